// What can wait.

/** Calls once the page has nothing better to do. */
export const whenIdle = (call) => (globalThis.requestIdleCallback ?? ((then) => setTimeout(then, 200)))(call);
