// What a call by cookie must show if it changes something: the token of the session that the cookie
// stands for. The cookie belongs to all tabs, so another one may have signed in anew meanwhile.

const isRead = (method = "GET") => ["GET", "HEAD"].includes(method);

/**
 * `fetch` by the cookie. `session()`: who this page thinks is signed in, or nobody; `renewed` hears
 * of another session of the same person, and the call is made with it. When it is another person's,
 * the page begins anew: what it shows is not theirs.
 */
export function fetchBySession(baseUrl, session, renewed) {
  return async function fetchAs(url, init = {}) {
    const known = session();
    if (!known || isRead(init.method)) return fetch(url, init);
    const send = ({ csrfToken }) => fetch(url, { ...init, headers: { ...init.headers, "X-CSRF-Token": csrfToken } });
    const answer = await send(known);
    if (!(await isForged(answer))) return answer;
    const looked = await fetch(new URL("api/auth/session", baseUrl), { signal: init.signal, cache: "no-store" });
    const now = looked.ok ? await looked.json() : undefined;
    if (now === undefined || now.csrfToken === known.csrfToken) return answer;
    if (now.user !== known.user) {
      location.reload();
      return answer;
    }
    renewed(now);
    return send(now);
  };
}

async function isForged(answer) {
  if (answer.status !== 403) return false;
  const problem = await answer.clone().json().catch(() => undefined);
  return problem?.code === "csrf_failed";
}
