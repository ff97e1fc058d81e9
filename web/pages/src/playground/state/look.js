// The colours that the picture is drawn in: what is seen is what is taken along.
import { computed, signal } from "@preact/signals";
import { theme } from "../../shared/theme.js";

/** As the API calls them; `page` is whichever goes with the page. */
export const LOOKS = [
  { id: "page", name: "As the page" },
  { id: "default", name: "Light" },
  { id: "neutral", name: "Grey" },
  { id: "forest", name: "Green" },
  { id: "dark", name: "Dark" },
];

export const chosenLook = signal("page");
export const look = computed(() => {
  if (chosenLook.value !== "page") return chosenLook.value;
  return theme.value === "dark" ? "dark" : "default";
});
