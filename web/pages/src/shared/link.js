// A one-time link: its token stands in the address, behind the #, and leaves it at once.

const tokenOf = (hash) => new URLSearchParams(hash.slice(1)).get("link") ?? undefined;

/** The token of the address, which then has none any more. */
export function takeLink() {
  const link = tokenOf(location.hash);
  if (link !== undefined) history.replaceState(null, "", location.pathname + location.search);
  return link;
}

// Opened in a tab that is here already, a link only changes what stands behind the #: the page begins anew with it.
addEventListener("hashchange", () => {
  if (tokenOf(location.hash) !== undefined) location.reload();
});
