import type { Route } from './route.ts'

/** Media types with those of CBOR, where its own kind is among them. */
const withCbor = (types: readonly string[]): readonly string[] => {
  const after = types.includes('application/vnd.kubernetes.protobuf') ? 'application/vnd.kubernetes.protobuf' : 'application/yaml'
  return [
    ...types.flatMap((type) => (type === after ? [type, 'application/cbor'] : [type])),
    ...(types.includes('application/json;stream=watch') ? ['application/cbor-seq'] : []),
    ...(types.includes('application/apply-patch+yaml') ? ['application/apply-patch+cbor'] : []),
  ]
}

/** An operation of a server that serves CBOR. */
export const servingCbor = (route: Route): Route => ({ ...route, consumes: withCbor(route.consumes), produces: withCbor(route.produces) })
