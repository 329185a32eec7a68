import { buildBuiltins, defaultGates, type Gates, type Kind, loadLegacyKinds, resolveRuntimeConfig, resourceFacts } from '@skiff/api'
import { type Client, connect, type Handler, type Identity } from '@skiff/client'
import type { Env, Family } from '@skiff/machinery'
import type { Store } from '@skiff/store'
import { type AdmissionPlugin, admissionChain } from './admission/admission.ts'
import type { NodePatience } from './admission/default-toleration-seconds.ts'
import { builtinAdmission } from './admission/plugins.ts'
import { startAggregator } from './aggregation/aggregator.ts'
import { publishLocalServices } from './aggregation/local-services.ts'
import { createNearPassOn } from './aggregation/near-pass-on.ts'
import { createPassOn } from './aggregation/pass-on.ts'
import { firstAddress } from './allocate/address-range.ts'
import { openAllocation, parseServiceCidrs } from './allocate/open.ts'
import { createAuthenticator, type TokenReader } from './authn/authenticate.ts'
import { createBootstrapTokens } from './authn/bootstrap-tokens.ts'
import { createLegacyTokens } from './authn/legacy-tokens.ts'
import { type Authorities, openAuthorities } from './authn/open-authorities.ts'
import { createAccountTokens } from './authn/service-accounts.ts'
import { keepServing } from './authn/serving.ts'
import { createTokenSigner, type TokenSigner } from './authn/tokens.ts'
import { withNodes } from './authz/node.ts'
import { createRbac } from './authz/rbac.ts'
import { bootstrap, publishAuthentication } from './bootstrap/bootstrap.ts'
import { keepKubernetesService } from './bootstrap/kubernetes-service.ts'
import { createServerLeases } from './bootstrap/server-leases.ts'
import { keepTokenTracking } from './bootstrap/token-tracking.ts'
import { expireEvents } from './expiry/events.ts'
import { followDefinitions } from './extensions/definitions.ts'
import { listWidth, type RequestLimits, startFairness } from './fairness/start.ts'
import { createHandler, type HandlerContext } from './handler.ts'
import { createRequestMetrics } from './metrics/requests.ts'
import { fairnessFamilies, inFlightFamilies, measureDelays, objectFamilies, processFamilies } from './metrics/server-metrics.ts'
import { createServerTimings, stepTimes, timingFamilies } from './metrics/timings.ts'
import type { ComponentCheck } from './parts/component-statuses.ts'
import type { NodeDirectory } from './parts/node-directory.ts'
import { builtinParts } from './parts/parts.ts'
import { plainRoutes } from './plain/builtin.ts'
import { plainRouter } from './plain/routes.ts'
import type { Cache } from './registry/cache.ts'
import { createRegistry, type Registry } from './registry/registry.ts'
import { openStorage, type Storage } from './registry/storage.ts'
import { createTables } from './represent/tables.ts'
import type { Rest } from './rest/context.ts'
import { type Identifiers, randomIdentifiers } from './rest/identifiers.ts'
import { type HttpServer, serveHttp } from './serve/http.ts'
import { usageParts } from './usage/parts.ts'
import { createWebhookClient } from './webhooks/client.ts'
import { serviceDialer } from './webhooks/dial-service.ts'

export interface ApiServerOptions {
  readonly store: Store
  readonly env: Env
  /** Where authorities and keys lie; made when missing. */
  readonly pkiDir: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Names and addresses, besides the usual ones, that clients reach the server by. */
  readonly hosts?: readonly string[]
  /** The address that the Service `kubernetes` leads to; a loopback one is not published, since Endpoints may not hold it. */
  readonly advertiseAddress: string
  /** Of one family or, divided by a comma, of both: the first is the default, and holds the server's own address. */
  readonly serviceCidr: string
  readonly nodePorts?: { readonly first: number; readonly last: number }
  readonly nodes: NodeDirectory
  /** Bearer tokens besides those of service accounts. */
  readonly tokens?: readonly TokenReader[]
  /** As upstream's --enable-bootstrap-token-auth. */
  readonly bootstrapTokens?: boolean
  readonly admission?: readonly AdmissionPlugin[]
  readonly issuer?: string
  readonly limits?: RequestLimits
  /** How long pods that say nothing of it stay on nodes that are lost. */
  readonly nodePatience?: NodePatience
  /** Which features are on; absent: those of 1.33. */
  readonly gates?: Gates
  /** Absent: by true chance. */
  readonly identifiers?: Identifiers
  /** As upstream's --runtime-config: which versions and resources are served besides, or no more. */
  readonly runtimeConfig?: ReadonlyMap<string, string>
  /** True: metrics.k8s.io is served, over what the agents of `nodes` tell. */
  readonly metrics?: boolean
  /** True: the versions that upstream removed are served as well. */
  readonly legacyApis?: boolean
}

export interface ApiServer {
  readonly handler: Handler
  readonly port: number
  readonly authorities: Authorities
  readonly signer: TokenSigner
  readonly registry: Registry
  readonly storage: Storage
  /** What runs beside the server, as componentstatuses tell of it: `scheduler` and `controller-manager`, set by whoever starts them. */
  readonly components: Map<string, ComponentCheck>
  /** What `/metrics` tells besides the server's own: of what runs in the same process. */
  readonly metrics: Set<() => readonly Family[]>
  /** What servers behind this one serve, those of their resources that discovery shows. */
  aggregated(): readonly Kind[]
  /** A near client under the identity given. */
  client(identity: Identity): Client
  close(): Promise<void>
}

/** The identity of what runs within the server itself. */
export const loopbackIdentity: Identity = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

const usualHosts = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '127.0.0.1',
  '::1',
]

/** Opens an API server on a store: bootstraps what every cluster has, then listens. */
export const startApiServer = async (options: ApiServerOptions): Promise<ApiServer> => {
  const { env, store } = options
  const timings = createServerTimings()
  const serviceCidrs = parseServiceCidrs(options.serviceCidr)
  const clusterIP = firstAddress(serviceCidrs[0] as string)
  const hosts = [...new Set([...usualHosts, clusterIP, options.advertiseAddress, ...(options.hosts ?? [])])]
  const [authorities, storage] = await Promise.all([
    openAuthorities(options.pkiDir, hosts, env),
    openStorage(store, env, timings.store.observe),
  ])
  const gates = options.gates ?? defaultGates
  const serves = resolveRuntimeConfig(options.runtimeConfig ?? new Map(), resourceFacts)
  const builtins = buildBuiltins({ gates, serves })
  const { kinds, schemaOf, scaleKind, tokenRequestKind, evictionKind } = builtins
  const legacy = options.legacyApis ? await loadLegacyKinds(builtins) : undefined
  const measured = options.metrics ? resourceFacts.filter(({ aggregated }) => aggregated).map(builtins.kindOf) : []
  const registry = createRegistry([...(legacy ? [...legacy.served, ...legacy.kinds] : kinds), ...measured])
  const caches = await loadCaches(storage, registry)
  const signer = createTokenSigner(options.issuer ?? 'https://kubernetes.default.svc.cluster.local', authorities.serviceAccountKeys)
  const accounts = createAccountTokens(
    signer,
    { serviceAccounts: caches.serviceaccounts, pods: caches.pods, secrets: caches.secrets, nodes: caches.nodes },
    createLegacyTokens(() => itself, env),
    env,
  )
  const rbac = createRbac({
    roles: caches['roles.rbac.authorization.k8s.io'],
    roleBindings: caches['rolebindings.rbac.authorization.k8s.io'],
    clusterRoles: caches['clusterroles.rbac.authorization.k8s.io'],
    clusterRoleBindings: caches['clusterrolebindings.rbac.authorization.k8s.io'],
  })
  const authorize = withNodes(rbac, caches.pods)
  const dialService = serviceDialer({ registry, storage, nodes: options.nodes, env })
  const webhooks = createWebhookClient(dialService, env)
  const allocation = await openAllocation({
    store,
    env,
    cidrs: serviceCidrs,
    nodePorts: options.nodePorts ?? { first: 30000, last: 32767 },
    services: caches.services,
    addresses: caches['ipaddresses.networking.k8s.io'],
    serviceCidrs: caches['servicecidrs.networking.k8s.io'],
    client: () => itself,
  })
  const components = new Map<string, ComponentCheck>()
  const more = new Set<() => readonly Family[]>()
  const readStore = () => store.read('health')
  const rest: Rest = {
    registry,
    storage,
    env,
    gates,
    identifiers: options.identifiers ?? randomIdentifiers,
    admission: admissionChain(
      [
        ...builtinAdmission(
          { registry, storage, env, rbac, authorize, why: rbac.why, webhooks, webhookTook: timings.webhooks.observe },
          options.nodePatience,
        ),
        ...(options.admission ?? []),
      ],
      { nowMs: env.monotonicMs, took: stepTimes(timings, env) },
    ),
    hooks: allocation.hooks,
  }
  const context: HandlerContext = {
    rest,
    tables: createTables(env),
    authorize,
    why: rbac.why,
    parts: builtinParts({
      rbac,
      signer,
      accounts,
      scaleKinds: [scaleKind, ...(legacy?.scales ?? [])],
      tokenRequestKind,
      evictionKind,
      nodes: options.nodes,
      ...(options.metrics ? { usage: usageParts(options.nodes, env) } : {}),
      components,
      readStore,
    }),
  }
  const nearAggregated = createNearPassOn(authorize)
  const handler = nearAggregated.around(createHandler(context))
  const itself = connect(handler, loopbackIdentity, 'kube-apiserver')
  await bootstrap({ client: itself, serviceCidrs, env, gates, metrics: options.metrics === true })
  await allocation.startRepair()
  await publishAuthentication(itself, authorities.clients.cert, authorities.frontProxy.cert)
  const tracking = await keepTokenTracking(itself, env)
  const definitions = followDefinitions({
    registry,
    storage,
    cache: caches['customresourcedefinitions.apiextensions.k8s.io'],
    client: itself,
    meta: schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'),
    webhooks,
    env,
  })
  const requests = createRequestMetrics()
  const startedMs = env.now()
  measureDelays()
  const fairness = await startFairness({
    limits: options.limits,
    registry,
    storage,
    handler,
    identity: loopbackIdentity,
    env,
    waited: timings.waits.observe,
  })
  const events = expireEvents(storage, registry.find('', 'v1', 'events') as Kind, env)
  const apiServices = caches['apiservices.apiregistration.k8s.io']
  const aggregator = startAggregator({
    cache: apiServices,
    registry,
    storage,
    client: itself,
    dialService,
    frontProxy: authorities.frontProxyClient,
    env,
  })
  nearAggregated.follow(aggregator)
  const localServices = await publishLocalServices(registry, apiServices, itself, env)
  const routes = plainRoutes({
    registry,
    aggregator,
    signer,
    schemaOf,
    env,
    gates,
    address: () => `${options.advertiseAddress}:${http.port}`,
    readStore,
    metrics: () => [
      ...requests.families(),
      ...inFlightFamilies(fairness),
      ...fairnessFamilies(fairness),
      ...objectFamilies(registry, storage),
      ...timingFamilies(timings),
      ...[...more].flatMap((read) => read()),
      ...processFamilies(startedMs),
    ],
  })
  const joiners = options.bootstrapTokens ? [createBootstrapTokens(caches.secrets, env)] : []
  const authenticate = createAuthenticator({ env, tokens: [...(options.tokens ?? []), accounts.read, ...joiners], authorize })
  const http: HttpServer = await serveHttp(
    {
      handler,
      authenticate,
      plainRoute: plainRouter(routes, authorize),
      passOn: createPassOn(aggregator, authorize, env),
      limiter: fairness.limiter,
      requests,
      widthOf: listWidth(registry, storage),
      env,
      tls: { ...authorities.serving, clientCa: authorities.clients.cert },
      cbor: gates.CBORServingAndStorage,
      packs: gates.APIResponseCompression,
    },
    { host: options.host, port: options.port },
  )
  const clientCa = authorities.clients.cert
  const stopRenewal = keepServing({ dir: options.pkiDir, authority: authorities.clients, hosts, env }, authorities.serving, (pair) =>
    http.renew({ ...pair, clientCa }),
  )
  const { advertiseAddress } = options
  const published = advertiseAddress.startsWith('127.')
    ? undefined
    : await keepKubernetesService({
        client: itself,
        clusterIP,
        port: http.port,
        leases: createServerLeases(store, advertiseAddress, env),
        env,
      })
  return {
    handler,
    port: http.port,
    authorities,
    signer,
    registry,
    storage,
    components,
    metrics: more,
    aggregated: aggregator.kinds,
    client: (identity) => connect(handler, identity),
    close: async () => {
      definitions.stop()
      aggregator.stop()
      localServices.stop()
      fairness.stop()
      events.stop()
      tracking.stop()
      stopRenewal()
      await http.close()
      webhooks.close()
      await published?.stop()
      await allocation.close()
      await storage.close()
    },
  }
}

/** Kinds that authentication, authorisation and admission read on every request, and the definitions of others. */
const needed = [
  'serviceaccounts',
  'pods',
  'secrets',
  'nodes',
  'services',
  'ipaddresses.networking.k8s.io',
  'servicecidrs.networking.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'apiservices.apiregistration.k8s.io',
] as const

const loadCaches = async (storage: Storage, registry: Registry): Promise<Record<(typeof needed)[number], Cache>> => {
  const byKey = new Map(registry.all().map((kind) => [kind.storedAs, registry.stored(kind)]))
  const load = async (key: (typeof needed)[number]) => {
    const kind = byKey.get(key)
    if (!kind) throw new Error(`the server itself needs ${key}: they cannot be turned off`)
    return [key, await storage.cache(kind)] as const
  }
  const entries = await Promise.all(needed.map(load))
  return Object.fromEntries(entries) as Record<(typeof needed)[number], Cache>
}
