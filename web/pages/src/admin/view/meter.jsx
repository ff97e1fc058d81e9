// One limit of an upstream: what is used, what is held for calls that run, and what is left.
import { short, whole } from "./format.js";

export function Meter({ name, figures }) {
  const { limit, used, reserved, available } = figures;
  if (limit === null) {
    return (
      <div class="meter">
        <span class="meter-name">{name}</span>
        <span class="meter-figures">
          <b>{short(used + reserved)}</b> · no limit
        </span>
      </div>
    );
  }
  const share = (part) => `${Math.min(100, (100 * part) / Math.max(limit, 1))}%`;
  const taken = used + reserved;
  // A queue that is busy uses up its limits: that is no fault.
  const tone = taken >= limit * 0.95 ? "warn" : "";
  const told = `${whole(used)} used, ${whole(reserved)} reserved, ${whole(limit)} at most, ${whole(available ?? 0)} left`;
  return (
    <div class="meter" title={told}>
      <span class="meter-name">{name}</span>
      <span class="meter-figures">
        <b>{short(taken)}</b> / {short(limit)}
      </span>
      <span class={`bar ${tone}`} role="meter" aria-label={name} aria-valuemin={0} aria-valuemax={limit} aria-valuenow={Math.min(taken, limit)} aria-valuetext={told}>
        <i class="used" style={{ width: share(used) }} />
        <i class="reserved" style={{ width: share(reserved) }} />
      </span>
    </div>
  );
}
