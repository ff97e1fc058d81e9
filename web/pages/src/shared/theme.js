// Light or dark: as the system says, until somebody chooses.
import { computed, effect, signal } from "@preact/signals";

const STORED = "diagramd.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(system.matches);
system.addEventListener("change", () => (isSystemDark.value = system.matches));

const chosen = signal(read());

function read() {
  try {
    const value = localStorage.getItem(STORED);
    return value === "light" || value === "dark" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `light` or `dark`. */
export const theme = computed(() => chosen.value ?? (isSystemDark.value ? "dark" : "light"));

/** The other one, from now on; the system's own choice is followed again once it is the same. */
export function toggleTheme() {
  const next = theme.value === "dark" ? "light" : "dark";
  const isSystems = next === (isSystemDark.value ? "dark" : "light");
  chosen.value = isSystems ? undefined : next;
  try {
    if (isSystems) localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, next);
  } catch {
    // It holds until the page is left.
  }
}

effect(() => (document.documentElement.dataset.theme = theme.value));
