/** A kind of machine that components are packaged for; `name` is the manifest's in the recipes, and the zip's. */
export interface Target {
  name: 'arm64' | 'amd64';
  /** As recipes name it. */
  architecture: 'aarch64' | 'amd64';
  /** As Node names it (`process.arch`), and with it npm. */
  nodeArch: 'arm64' | 'x64';
  /** Of the ELF header of every native part. */
  machine: 'AArch64' | 'x86-64';
}

export const targets: readonly Target[] = [
  { name: 'arm64', architecture: 'aarch64', nodeArch: 'arm64', machine: 'AArch64' },
  { name: 'amd64', architecture: 'amd64', nodeArch: 'x64', machine: 'x86-64' },
];
