// What Mermaid expects of a page and QuickJS does not have. Must be imported first.
const silent = () => {};
globalThis.console ??= new Proxy({}, { get: () => silent });
globalThis.window ??= globalThis;
globalThis.self ??= globalThis;
globalThis.CSS ??= { supports: () => true, escape: (text) => text };
globalThis.structuredClone ??= (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

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
