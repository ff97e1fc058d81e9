// What Mermaid expects of a page and QuickJS does not have. Must be imported first.
const silent = () => {};
globalThis.console ??= new Proxy({}, { get: () => silent });
globalThis.window ??= globalThis;
globalThis.self ??= globalThis;
globalThis.CSS ??= { supports: () => true, escape: (text) => text };
globalThis.structuredClone ??= (value) => clone(value, new Map());

// Nothing here may wait: what is put off runs as soon as the present step ends.
globalThis.setTimeout ??= (task, _, ...args) => {
  Promise.resolve().then(() => task(...args));
  return 0;
};
globalThis.clearTimeout ??= silent;

// Links are taken apart to be made harmless; nothing is fetched.
globalThis.URL ??= class URL {
  constructor(text) {
    if (!URL.canParse(text)) throw new TypeError("Invalid URL");
    this.href = String(text);
    [, this.protocol, this.hostname] = /^([a-z][a-z0-9+.-]*:)(?:\/\/)?([^/?#]*)/i.exec(this.href);
  }
  static canParse(text) {
    return /^[a-z][a-z0-9+.-]*:\S+$/i.test(String(text));
  }
  toString() {
    return this.href;
  }
};

function clone(value, seen) {
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  if (value instanceof Date) return new Date(value);
  const copy = Array.isArray(value) ? [] : value instanceof Map ? new Map() : value instanceof Set ? new Set() : {};
  seen.set(value, copy);
  if (value instanceof Map) {
    for (const [key, member] of value) copy.set(clone(key, seen), clone(member, seen));
  } else if (value instanceof Set) {
    for (const member of value) copy.add(clone(member, seen));
  } else {
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
  }
  return copy;
}
