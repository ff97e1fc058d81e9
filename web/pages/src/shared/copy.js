// To the clipboard.

/** Rejects when the browser does not let it. Pages without TLS have no clipboard; there a selection is copied. */
export async function copy(words) {
  if (navigator.clipboard) return navigator.clipboard.writeText(words);
  const field = document.createElement("textarea");
  field.value = words;
  field.className = "unseen";
  // What stands behind an open dialog cannot be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (!isCopied) throw new Error("The browser does not let it be copied.");
}
