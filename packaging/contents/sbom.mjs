// The bill of materials: CycloneDX, as OWASP's own library writes it.
import { Enums, Models, Serialize, Spec, Types } from "@cyclonedx/cyclonedx-library";

/** JSON of the project (the first of `crates`) and of all that is in it. `time` is in milliseconds. */
export function sbom({ crates: [own, ...crates], packages, toolchain, time, tools }) {
  const components = new Map([own, ...crates, ...packages, ...toolchain].map((part) => [part.ref, component(part, part === own)]));
  for (const { ref, needs = [] } of [own, ...crates]) {
    for (const needed of needs) components.get(ref).dependencies.add(components.get(needed).bomRef);
  }
  const root = components.get(own.ref);
  for (const { ref } of [...packages, ...toolchain]) root.dependencies.add(components.get(ref).bomRef);
  components.delete(own.ref);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: root, timestamp: new Date(time) }),
    components: new Models.ComponentRepository(components.values()),
  });
  for (const [name, version] of Object.entries(tools)) bom.metadata.tools.components.add(new Models.Component(Enums.ComponentType.Application, name, { version }));
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 1 })}\n`;
}

function component(part, isOwn) {
  const { ref, name, version, purl, cpe, licence, sha256, sha512, site, inside = [] } = part;
  const made = new Models.Component(isOwn ? Enums.ComponentType.Application : Enums.ComponentType.Library, name, { bomRef: ref, version, purl, cpe });
  if (licence !== undefined) made.licenses.add(simple(licence) ? new Models.SpdxLicense(licence) : new Models.LicenseExpression(licence));
  if (sha256 !== undefined) made.hashes.set(Enums.HashAlgorithm["SHA-256"], sha256);
  if (sha512 !== undefined) made.hashes.set(Enums.HashAlgorithm["SHA-512"], sha512);
  if (site) made.externalReferences.add(new Models.ExternalReference(site, Enums.ExternalReferenceType.VCS));
  for (const within of inside) made.components.add(component(within, false));
  return made;
}

const simple = (licence) => !/[ ()]/.test(licence);
