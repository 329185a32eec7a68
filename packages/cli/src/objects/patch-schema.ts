import { buildBuiltins, type Kind, patchSchemaOf } from '@skiff/api'

let kinds: readonly Kind[] | undefined
/** How strategic merge treats a kind's fields; undefined for kinds that only the server knows. */
export const patchSchemaFor = (resource: { readonly group: string; readonly version: string; readonly plural: string }) => {
  kinds ??= buildBuiltins().kinds
  const kind = kinds.find((each) => each.group === resource.group && each.version === resource.version && each.plural === resource.plural)
  return kind ? patchSchemaOf(kind) : undefined
}
