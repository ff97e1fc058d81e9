// How much is left, in a glance and in full.
import { canLeave, leave } from "../../shared/session.js";
import { moment } from "../../shared/words.js";
import { usage } from "../state/usage.js";

const NUMBER = new Intl.NumberFormat();

function Row({ name, of }) {
  return (
    <div class="usage-row">
      <dt>{name}</dt>
      <dd>
        <strong>{NUMBER.format(of.remaining)}</strong> of {NUMBER.format(of.limit)} left
        <span class="hint"> · anew at {moment(of.resetsAt)}</span>
      </dd>
    </div>
  );
}

const isLow = ({ remaining, limit }) => remaining * 5 <= limit;

/** Money as people write it; what it cost exactly is in the API. */
const dollars = (text) => `$${Number(text).toFixed(Number(text) < 1 ? 4 : 2)}`;

export function UsageButton() {
  const now = usage.value;
  if (!now) return null;
  const { day, hour } = now;
  // The day's limit, unless the hour's is what one meets first.
  const isHour = isLow(hour) && hour.remaining < day.remaining;
  const nearest = isHour ? hour : day;
  const share = nearest.limit > 0 ? nearest.remaining / nearest.limit : 0;
  return (
    <>
      <button type="button" class={`usage ${isLow(nearest) ? "low" : ""}`} popovertarget="usage">
        <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
          <circle cx="10" cy="10" r="7.5" class="whole" />
          <circle cx="10" cy="10" r="7.5" class="left" pathLength="100" stroke-dasharray={`${share * 100} 101`} transform="rotate(-90 10 10)" />
        </svg>
        <span>
          {NUMBER.format(nearest.remaining)}
          <span class="wide-only"> of {NUMBER.format(nearest.limit)}</span> left<span class="wide-only"> {isHour ? "this hour" : "today"}</span>
        </span>
      </button>
      <div id="usage" popover="auto" class="card popover" role="dialog" aria-label="Usage">
        <p>
          <strong>{now.user}</strong> <span class="badge">{now.tier}</span>
        </p>
        <dl>
          <Row name="Today" of={day} />
          <Row name="This hour" of={hour} />
          <div class="usage-row">
            <dt>Cost</dt>
            <dd>
              {dollars(now.cost.todayUsd)} today, {dollars(now.cost.monthUsd)} this month
              {now.cost.budgetUsd !== undefined && ` of ${dollars(now.cost.budgetUsd)}`}
            </dd>
          </div>
        </dl>
        {now.upgrade && <p class="hint">{now.upgrade.message}</p>}
        {canLeave.value && (
          <button type="button" class="button" onClick={leave}>
            Sign out
          </button>
        )}
      </div>
    </>
  );
}
