// The editor, loaded when the page has shown itself.
let loading;

/** Resolves to the module `./editor.js`. */
export function editor() {
  loading ??= import("./editor.js").catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** Calls once the page has nothing better to do. */
export const whenIdle = (call) => (globalThis.requestIdleCallback ?? ((then) => setTimeout(then, 200)))(call);
