// API keys: made, shown this once, revoked.
import { useEffect, useState } from "preact/hooks";
import { Fault, useSending } from "../../shared/form.jsx";
import { Icon } from "../../shared/icons.jsx";
import { call } from "../state/api.js";
import { ask } from "../state/ask.js";
import { TIERS, all } from "../state/lists.js";
import { attempt } from "../state/notice.js";
import { Dialog } from "./dialog.jsx";
import { fully, when, whole } from "./format.js";
import { Copied } from "./request.jsx";

const SHOWN_MAX = 500;
const LIVES = { "30 days": 30, "90 days": 90, "1 year": 365 };
const DAY_MS = 86_400_000;

const stateOf = ({ revokedAt, expiresAt }) => (revokedAt ? "revoked" : expiresAt && new Date(expiresAt) <= new Date() ? "expired" : "good");

export function Keys({ users, onUser }) {
  const [keys, setKeys] = useState();
  const [isMaking, setMaking] = useState(false);
  const [isAll, setAll] = useState(false);
  const load = () => attempt(async () => setKeys(await all("keys")));
  useEffect(() => void load(), []);
  const shown = (keys ?? []).filter((key) => isAll || stateOf(key) === "good");
  const revoke = async (key) => {
    const isMeant = await ask({ title: `Revoke ${key.prefix}…?`, text: `What uses this key of ${key.user} is refused from now on, and for ever.`, action: "Revoke", isDangerous: true });
    if (isMeant && (await attempt(() => call("DELETE", `api/admin/keys/${key.id}`), "The key is revoked."))) load();
  };
  return (
    <section class="panel" aria-labelledby="keys">
      <div class="panel-head">
        <h2 id="keys">
          Keys {keys && <span class="hint">{whole(shown.length)}</span>}
        </h2>
        <label class="tick">
          <input type="checkbox" checked={isAll} onChange={(event) => setAll(event.currentTarget.checked)} /> also ended ones
        </label>
        <button type="button" class="button primary" onClick={() => setMaking(true)}>
          <Icon name="key" />
          New key
        </button>
      </div>
      <div class="scroll-x" tabindex={0} role="region" aria-label="The keys, a table">
        <table class="figures-table wide" id="key-table">
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">User</th>
              <th scope="col">Role</th>
              <th scope="col">Made</th>
              <th scope="col">Last used</th>
              <th scope="col">Ends</th>
              <th scope="col">Access</th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, SHOWN_MAX).map((key) => (
              <tr key={key.id} class={stateOf(key) === "good" ? undefined : "faded"}>
                <th scope="row" class="mono">
                  {key.prefix}…
                </th>
                <td>{key.user}</td>
                <td>{key.role === "admin" ? <span class="badge warn">admin</span> : "user"}</td>
                <td title={fully(key.createdAt)}>{when(key.createdAt)}</td>
                <td>{key.lastUsedAt ? when(key.lastUsedAt) : "never"}</td>
                <td>{key.expiresAt ? when(key.expiresAt) : "never"}</td>
                <td>
                  {stateOf(key) === "good" ? (
                    <button type="button" class="button small" onClick={() => revoke(key)}>
                      Revoke
                    </button>
                  ) : (
                    stateOf(key)
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {keys && shown.length === 0 && <p class="hint">There is none.</p>}
      {shown.length > SHOWN_MAX && <p class="hint">The newest {whole(SHOWN_MAX)}.</p>}
      {isMaking && (
        <NewKey
          users={users}
          onClose={() => setMaking(false)}
          onMade={() => {
            load();
            onUser();
          }}
        />
      )}
    </section>
  );
}

function NewKey({ users, onClose, onMade }) {
  const [made, setMade] = useState();
  const { fault, isBusy, send } = useSending(async ({ user, tier, role, life }) => {
    const expiresAt = LIVES[life] ? new Date(Date.now() + LIVES[life] * DAY_MS).toISOString() : undefined;
    setMade(await call("POST", "api/admin/keys", { user, tier: tier || undefined, role, expiresAt }));
    onMade();
  });
  if (made) {
    return (
      <Dialog key="made" title={`A key of ${made.user}`} onClose={onClose}>
        <p>Copy it now: it is not kept, and not shown again.</p>
        <p id="made-key" class="key">
          <Copied text={made.key} name="key" />
        </p>
        <p class="hint">{made.role === "admin" ? "It may do everything on this server." : "It may make diagrams, and see those of its user."}</p>
      </Dialog>
    );
  }
  return (
    <Dialog key="making" title="New key" onClose={onClose}>
      <form class="form" onSubmit={send}>
        <div class="field">
          <label for="key-user">User</label>
          <input id="key-user" name="user" class="input" list="user-names" required maxlength={128} autofocus spellcheck={false} autocapitalize="none" autocomplete="off" aria-describedby="key-user-hint" />
          <datalist id="user-names">
            {users.slice(0, SHOWN_MAX).map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <p class="hint" id="key-user-hint">
            Made, if there is none of that name.
          </p>
        </div>
        <div class="pair">
          <div class="field">
            <label for="key-tier">Tier of the user</label>
            <select id="key-tier" name="tier" class="input">
              <option value="">as it is</option>
              {TIERS.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </div>
          <div class="field">
            <label for="key-role">May do</label>
            <select id="key-role" name="role" class="input">
              <option value="user">what its user may</option>
              <option value="admin">everything (admin)</option>
            </select>
          </div>
        </div>
        <div class="field">
          <label for="key-life">Ends after</label>
          <select id="key-life" name="life" class="input">
            <option value="">never</option>
            {Object.keys(LIVES).map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </div>
        <Fault text={fault} />
        <div class="row end">
          <button class="button primary" disabled={isBusy}>
            Make the key
          </button>
        </div>
      </form>
    </Dialog>
  );
}
