// Users and their keys. A user is never deleted: what they used stays in the figures.
import { useEffect, useState } from "preact/hooks";
import { Fault, useSending } from "../../shared/form.jsx";
import { Icon } from "../../shared/icons.jsx";
import { call } from "../state/api.js";
import { ask } from "../state/ask.js";
import { TIERS, all } from "../state/lists.js";
import { attempt, say } from "../state/notice.js";
import { parameters, replace, to } from "../state/route.js";
import { Dialog } from "./dialog.jsx";
import { fully, when, whole } from "./format.js";
import { Keys } from "./keys.jsx";

const SHOWN_MAX = 500;

const path = (name) => `api/admin/users/${encodeURIComponent(name)}`;

export function Users() {
  const [users, setUsers] = useState();
  const [isMaking, setMaking] = useState(false);
  const beginning = parameters.value.get("q") ?? "";
  const [holders, setHolders] = useState(new Set());
  const load = () =>
    attempt(async () => {
      const [known, keys] = await Promise.all([all("users"), all("keys")]);
      setUsers(known);
      setHolders(new Set(keys.filter(isGoodAdminKey).map(({ user }) => user)));
    });
  useEffect(() => void load(), []);
  const fitting = (users ?? []).filter(({ name }) => name.toLowerCase().includes(beginning.toLowerCase()));
  const change = (name, fields, done) => attempt(async () => replaced(await call("PATCH", path(name), fields)), done);
  const replaced = (user) => setUsers((now) => now.map((one) => (one.name === user.name ? user : one)));
  return (
    <div class="stack">
      <section class="panel" aria-labelledby="users">
        <div class="panel-head">
          <h2 id="users">
            Users {users && <span class="hint">{whole(fitting.length)}</span>}
          </h2>
          <div class="choice">
            <input class="input" type="search" aria-label="Find a user" placeholder="Find a user" value={beginning} spellcheck={false} onInput={(event) => replace("users", { q: event.currentTarget.value })} />
          </div>
          <button type="button" class="button primary" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            New user
          </button>
        </div>
        <div class="scroll-x" tabindex={0} role="region" aria-label="The users, a table">
          <table class="figures-table wide" id="user-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Tier</th>
                <th scope="col">Role</th>
                <th scope="col">Password</th>
                <th scope="col">Since</th>
                <th scope="col">Requests</th>
                <th scope="col">Access</th>
              </tr>
            </thead>
            <tbody>
              {fitting.slice(0, SHOWN_MAX).map((user) => (
                <User key={user.name} user={user} holdsAdminKey={holders.has(user.name)} change={change} />
              ))}
            </tbody>
          </table>
        </div>
        {fitting.length > SHOWN_MAX && <p class="hint">The first {whole(SHOWN_MAX)}; find the others by name.</p>}
        {users && fitting.length === 0 && <p class="hint">No user has such a name.</p>}
      </section>
      <Keys users={users ?? []} onUser={load} />
      {isMaking && <NewUser onClose={() => setMaking(false)} onMade={load} />}
    </div>
  );
}

/** Whether it lets its holder do what an admin may. */
const isGoodAdminKey = ({ role, revokedAt, expiresAt }) => role === "admin" && !revokedAt && !(expiresAt && Date.parse(expiresAt) <= Date.now());

function User({ user, holdsAdminKey, change }) {
  const { name, tier, role, disabled, hasPassword, createdAt } = user;
  const disable = async () => {
    const isMeant = await ask({ title: `Disable ${name}?`, text: "All keys, tokens and sessions of this user are refused from now on. Requests that wait go on.", action: "Disable", isDangerous: true });
    if (isMeant) await change(name, { disabled: true }, `${name} is disabled.`);
  };
  return (
    <tr class={disabled ? "faded" : undefined}>
      <th scope="row">{name}</th>
      <td>
        <select class="input small" aria-label={`Tier of ${name}`} value={tier} onChange={(event) => change(name, { tier: event.currentTarget.value }, `${name} is in tier ${event.currentTarget.value}.`)}>
          {TIERS.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </td>
      <td>
        {role}
        {holdsAdminKey && (
          <>
            {" "}
            <span class="badge warn">admin key</span>
          </>
        )}
      </td>
      <td>{hasPassword ? "set" : "–"}</td>
      <td>
        <time datetime={createdAt} title={fully(createdAt)}>
          {when(createdAt)}
        </time>
      </td>
      <td>
        <a href={to("requests", { user: name })}>show</a>
      </td>
      <td>
        <button type="button" class="button small" onClick={disabled ? () => change(name, { disabled: false }, `${name} is enabled.`) : disable}>
          {disabled ? "Enable" : "Disable"}
        </button>
      </td>
    </tr>
  );
}

function NewUser({ onClose, onMade }) {
  const { fault, isBusy, send } = useSending(async ({ name, tier }) => {
    await call("POST", "api/admin/users", { name, tier });
    say(`${name} is in tier ${tier}.`);
    onMade();
    onClose();
  });
  return (
    <Dialog title="New user" onClose={onClose}>
      <form class="form" onSubmit={send}>
        <div class="field">
          <label for="new-name">Name</label>
          <input id="new-name" name="name" class="input" required maxlength={128} autofocus spellcheck={false} autocapitalize="none" autocomplete="off" />
        </div>
        <div class="field">
          <label for="new-tier">Tier</label>
          <select id="new-tier" name="tier" class="input">
            {TIERS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </div>
        <Fault text={fault} />
        <div class="row end">
          <button class="button primary" disabled={isBusy}>
            Make the user
          </button>
        </div>
      </form>
    </Dialog>
  );
}
