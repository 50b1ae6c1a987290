/**
 * Who may talk to a local HTTP server. A web page anywhere can send requests to loopback; what gives it away is the name
 * that it used (Host, after DNS rebinding) and where it came from (Origin).
 */
export interface HostCheck {
  /** Whether a Host header names this server. A request without one comes from no browser. */
  isServed(host: string | undefined): boolean;
  /** Whether a browser sends this write for a page of another origin. Reads are guarded by the browser itself. */
  isForeignWrite(request: { method: string; host: string | undefined; origin: string | undefined }): boolean;
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];
const readMethods: readonly string[] = ['GET', 'HEAD'];

/**
 * @param listensOn host that the server is bound to
 * @param allowedHosts further names, without port, under which it is reached, e.g. behind a proxy
 */
export function hostCheck(listensOn: string, allowedHosts: readonly string[]): HostCheck {
  const allowed = new Set(allowedHosts.map((name) => name.toLowerCase()));
  const served = new Set([...loopbackNames, hostInUrl(listensOn).toLowerCase(), ...allowed]);
  return {
    isServed: (host) => host === undefined || host === '' || served.has(withoutPort(host)),
    isForeignWrite({ method, host, origin }) {
      if (readMethods.includes(method) || origin === undefined) return false;
      if (!URL.canParse(origin)) return true;
      const from = new URL(origin);
      // A page of another local server has the same name and another port.
      const isOwn = host !== undefined && from.host === host.toLowerCase() && served.has(from.hostname);
      return !isOwn && !allowed.has(from.hostname);
    },
  };
}

/** Whether the host of a URL or of a Host header, with or without a port, names this machine alone. */
export function isLoopbackName(host: string): boolean {
  return loopbackNames.includes(withoutPort(host));
}

/** An address as it stands in a URL: IPv6 in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
