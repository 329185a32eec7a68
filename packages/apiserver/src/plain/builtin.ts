import { type Gates, removalOf } from '@skiff/api'
import type { Env, ObjectSchema } from '@skiff/machinery'
import { exposition, type Family } from '@skiff/machinery'
import type { Aggregator } from '../aggregation/aggregator.ts'
import type { TokenSigner } from '../authn/tokens.ts'
import { apiGroup, apiGroupList, apiResourceList, apiVersions, type Discovered } from '../discovery.ts'
import { notFoundHere, notServed } from '../not-found.ts'
import { openApiRoutes } from '../openapi/routes.ts'
import type { Registry } from '../registry/registry.ts'
import { writeStatus } from '../serve/answer.ts'
import type { PlainRoute } from '../serve/http.ts'
import { kubernetesVersion } from '../version.ts'
import { aggregatedRoute } from './aggregated-discovery.ts'
import { healthChecks, healthRoute, storeCheck } from './health.ts'
import { indentedRoute, type JsonRouteOptions, jsonRoute, type PlainRoutes, pageNotFound, textRoute } from './routes.ts'

export interface BuiltinRoutesOptions {
  readonly registry: Registry
  /** Resources of other servers, for discovery. */
  readonly aggregator: Aggregator
  readonly signer: TokenSigner
  readonly schemaOf: (typeName: string) => ObjectSchema
  readonly env: Env
  readonly gates: Gates
  readonly address: () => string
  /** Asks the store for anything; rejects when it is of no use. */
  readonly readStore: () => Promise<unknown>
  /** Everything that is measured. */
  readonly metrics: () => readonly Family[]
}

/** What this server and those behind it serve; a group version that another server is named for is that one's alone. */
const discoveredOf = (registry: Registry, aggregator: BuiltinRoutesOptions['aggregator']): Discovered => ({
  all: () => [...registry.all().filter(({ group, version }) => !aggregator.has(group, version)), ...aggregator.kinds()],
  subscribe: (onChange) => {
    const stops = [registry.subscribe(onChange), aggregator.subscribe(onChange)]
    return () => {
      for (const stop of stops) stop()
    }
  },
})

/** Every path outside of the resources that the server answers. */
export const plainRoutes = ({
  registry,
  aggregator,
  signer,
  env,
  gates,
  address,
  readStore,
  metrics,
}: BuiltinRoutesOptions): PlainRoutes => {
  const store = storeCheck(readStore, env)
  const health = Object.fromEntries(
    (['healthz', 'livez', 'readyz'] as const).flatMap((name) => [
      [`/${name}`, healthRoute(name, healthChecks(name, store))],
      [`/${name}/*`, healthRoute(name, healthChecks(name, store))],
    ]),
  )
  const discovered = discoveredOf(registry, aggregator)
  const beta = !gates.AggregatedDiscoveryRemoveBetaType
  const routes: PlainRoutes = {
    ...health,
    ...openApiRoutes(registry, aggregator, gates.CBORServingAndStorage),
    '/metrics': textRoute(() => exposition(metrics()), 'text/plain; version=0.0.4; charset=utf-8'),
    '/version': indentedRoute(() => kubernetesVersion, true),
    '/api': aggregatedRoute(
      discovered,
      { core: true, beta },
      jsonRoute(() => apiVersions(address()), { routed: true }),
    ),
    '/apis': aggregatedRoute(
      discovered,
      { core: false, beta },
      jsonRoute(() => apiGroupList(discovered)),
    ),
    '/api/v1': found(() => apiResourceList(registry, '', 'v1'), { routed: true }),
    '/apis/*': groupRoute(discovered),
    '/.well-known/openid-configuration': jsonRoute(() => ({
      issuer: signer.issuer,
      jwks_uri: `https://${address()}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })),
    '/openid/v1/jwks': jsonRoute(() => signer.jwks(), { contentType: 'application/jwk-set+json' }),
  }
  const paths = () => ({ paths: pathsOf(registry, routes) })
  return { ...routes, '/': indentedRoute(paths), '/index.html': indentedRoute(paths) }
}

/** What there is besides the resources themselves, as the root lists it. */
const pathsOf = (registry: Registry, routes: PlainRoutes): readonly string[] => {
  const groups = registry.all().filter(({ group }) => group !== '')
  const versions = groups.flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`])
  const plain = Object.keys(routes).filter((path) => !path.endsWith('/*'))
  return [...new Set([...plain, '/apis/', ...versions])].sort()
}

const found =
  (value: () => unknown, options: JsonRouteOptions, refusal = notFoundHere()): PlainRoute =>
  (request) => {
    const document = value()
    if (document === undefined) return writeStatus(request.incoming, request.outgoing, refusal.status)
    return jsonRoute(() => document, options)(request)
  }

/** /apis/GROUP and /apis/GROUP/VERSION. */
const groupRoute =
  (registry: Discovered): PlainRoute =>
  (request) => {
    const [, , group = '', version] = request.target.path.replace(/\/$/, '').split('/')
    // Go's mux answers for a group that nobody installed, in plain words; an unknown version of a known group is a Status.
    const why = removalOf(`${group}/${version ?? 'v1beta1'}`)
    if (!apiGroup(registry, group)) return pageNotFound(request, why)
    // Versions of custom kinds alone are no router's: where one is unknown, nobody knows the page.
    const builtIn = registry.all().some((kind) => kind.group === group && !kind.custom)
    if (!builtIn && !why && version !== undefined && !apiResourceList(registry, group, version)) return pageNotFound(request)
    const document = () => (version === undefined ? apiGroup(registry, group) : apiResourceList(registry, group, version))
    return found(document, version === undefined ? {} : { routed: true }, notServed(`${group}/${version ?? ''}`))(request)
  }
