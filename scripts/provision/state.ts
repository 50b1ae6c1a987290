import type { ComponentDeployment, OwnComponent, Settings } from '../../cloud/greengrass/definition.ts';
import type { Names, Place } from '../../cloud/greengrass/names.ts';

/** A zip, and where it lies in the bucket. */
export interface Artifact {
  file: string;
  key: string;
  /** Of its bytes, in base64 as S3 takes it. */
  sha256: string;
}

export interface PackagedComponent {
  name: OwnComponent;
  version: string;
  /** With bucket and secret in place. */
  recipe: string;
  artifacts: Artifact[];
  /** Digest of recipe and artifacts: a version that exists must have been made of the same. */
  content: string;
}

/** What `create` is to bring about. */
export interface Desired {
  names: Names;
  place: Place;
  csr: string;
  /** Names the device's public key: see `keyIdOf`. */
  keyId: string;
  /** What is not given stays as it is deployed, or is a default. */
  settings: Partial<Settings>;
  components: PackagedComponent[];
  /** Give the secret a new value even if it exists. */
  updateSecret: boolean;
  /** Revoke certificates of earlier keys of this thing. */
  retireOldKeys: boolean;
}

/** `made`: by `create`, as its mark says. Only what it made is ever deleted. */
interface Marked {
  made: boolean;
}

export interface FoundCertificate {
  arn: string;
  pem: string;
  keyId: string;
  active: boolean;
  /** For good: a person said so. */
  revoked: boolean;
  /** Attached to the thing. */
  attached: boolean;
  /** The project's policy is attached to it. */
  hasPolicy: boolean;
}

export interface FoundComponentVersion extends Marked {
  name: string;
  version: string;
  arn: string;
  /** As `PackagedComponent.content`, if `create` made it. */
  content?: string;
  state: string;
  message: string;
}

export interface FoundDeployment extends Marked {
  id: string;
  status: string;
  /** The group's present one; others are its history. */
  latest: boolean;
  components: Record<string, ComponentDeployment>;
  policies: unknown;
}

/** What the account holds under the names, looked up anew each time; nothing is remembered on the workstation. */
export interface Found {
  /** `keyIds`: keys that `create` made certificates for. */
  thing?: Marked & { keyIds: string[]; inGroup: boolean };
  /** Attached to the thing, or made for one of its keys and left when a run was interrupted. */
  certificates: FoundCertificate[];
  thingGroup?: Marked & { otherThings: string[] };
  policy?: Marked & { document: unknown; oldVersions: string[] };
  role?: Marked & { trust: unknown; permissions?: unknown };
  roleAlias?: Marked & { roleArn: string; seconds: number };
  secret?: Marked & { arn: string; deletionScheduled: boolean };
  /** `adoptable`: empty and bare, as a run leaves it that was interrupted before it could mark it. */
  bucket?: Marked & { adoptable: boolean; publicBlocked: boolean; policy?: unknown };
  /** SHA-256 by key, as `create` noted it; of objects below the components' prefixes. */
  objects: Record<string, string | undefined>;
  componentVersions: FoundComponentVersion[];
  deployments: FoundDeployment[];
  /** The thing has reported itself as a core device. */
  coreDevice: boolean;
}
