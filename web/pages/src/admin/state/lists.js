// Lists that come by the page, and the names of tiers.
import { get, withQuery } from "./api.js";

export const TIERS = ["free", "basic", "pro", "enterprise"];

/** Every entry of `users` or `keys`. */
export async function all(kind) {
  const found = [];
  let cursor;
  do {
    const page = await get(withQuery(`api/admin/${kind}`, { cursor }));
    found.push(...page[kind]);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}
