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
