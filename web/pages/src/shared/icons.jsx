// Line icons on a grid of 20, in the colour of the text around them.

const PATHS = {
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M16 4l-1.4 1.4M5.4 14.6 4 16",
  moon: "M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7Z",
  clock: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15ZM10 6v4.2l2.8 1.8",
  copy: "M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5z",
  check: "m4 10.5 4 4 8-9",
  download: "M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13",
  close: "m5 5 10 10M15 5 5 15",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  fit: "M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4",
  spark: "M10 2.5 11.7 8l5.8 2-5.8 2L10 17.5 8.3 12l-5.8-2 5.8-2z",
  pencil: "m12.5 4 3.5 3.5L7 16.5H3.5V13zM11 5.5 14.5 9",
  alert: "M10 3 1.8 17h16.4zM10 8v4M10 14.4v.2",
  key: "M12.5 3.5a4 4 0 1 1-3.3 6.2L3.5 15.4v1.6h2.6v-2h2v-2l1.9-1.9M13.4 6.6v.1",
  template: "M3.5 3.5h13v4h-13zM3.5 10.5h5v6h-5zM11.5 10.5h5v6h-5z",
  person: "M10 10a3.4 3.4 0 1 0 0-6.8 3.4 3.4 0 0 0 0 6.8ZM3.8 17a6.3 6.3 0 0 1 12.4 0",
  people: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5a5.6 5.6 0 0 1 11 0M13 3.8a3 3 0 0 1 0 5.4M15 11.6a5.6 5.6 0 0 1 3 4.9",
  gauge: "M3.2 15a8 8 0 1 1 13.6 0M10 12.5l3.2-4.4M10 13.6a1 1 0 1 0 0-2 1 1 0 0 0 0 2Z",
  list: "M7 5h10M7 10h10M7 15h10M3.2 5h.1M3.2 10h.1M3.2 15h.1",
  chart: "M3.5 3v13.5H17M7 13V9.5M10.5 13V6M14 13V8",
  sliders: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  plug: "M7 2.5v4M13 2.5v4M5 6.5h10V10a5 5 0 0 1-10 0zM10 15v2.5",
};

/** Decoration: what it means is said by the words or the label beside it. */
export function Icon({ name }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
