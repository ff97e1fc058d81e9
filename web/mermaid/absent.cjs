// Stands for packages that only drawing needs: whatever is asked of it is itself again, and
// nothing happens. The bundler copies a module by its prototype, so the prototype is inert too.
const inert = new Proxy(function () {}, {
  get(_, name) {
    switch (name) {
      case "then":
        return undefined;
      case "length":
        return 0;
      case Symbol.toPrimitive:
        return () => "";
      case Symbol.iterator:
        return () => [][Symbol.iterator]();
      default:
        return inert;
    }
  },
  set: () => true,
  apply: () => inert,
  construct: () => inert,
});
module.exports = Object.create(inert);
