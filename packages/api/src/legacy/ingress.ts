import type { FieldError } from '@skiff/machinery'
import { eachOf, type Form, given, type Loose, type LooseFields } from './legacy-kind.ts'

// Ingress of extensions/v1beta1 and networking.k8s.io/v1beta1: a backend was a service's name and its port, by number or by name.

interface ServiceBackend {
  readonly name?: string
  readonly port?: { readonly name?: string; readonly number?: number }
}

const backendToStored = ({ serviceName, servicePort, ...rest }: LooseFields): LooseFields => {
  const named = typeof servicePort === 'string'
  if (!serviceName && !named && !servicePort) return rest
  const port = named ? given({ name: servicePort || undefined }) : given({ number: servicePort || undefined })
  return { ...rest, service: { name: serviceName ?? '', port } }
}

const backendFromStored = ({ service, ...rest }: LooseFields): LooseFields => {
  if (!service) return rest
  const { name, port } = service as ServiceBackend
  return { ...rest, serviceName: name ?? '', servicePort: port?.name || (port?.number ?? 0) }
}

type Change = (fields: LooseFields) => LooseFields

const inPaths = (rules: unknown, change: Change): unknown =>
  eachOf(rules, (rule) => {
    const http = rule.http as LooseFields | undefined
    return http ? { ...rule, http: { ...http, paths: eachOf(http.paths, change) } } : rule
  })

const inBackends = (rules: unknown, change: Change): unknown =>
  inPaths(rules, (path) => (path.backend ? { ...path, backend: change(path.backend as LooseFields) } : path))

/** Where faults of the stored form lie in this one. */
const places: readonly (readonly [RegExp, string])[] = [
  [/^spec\.defaultBackend/, 'spec.backend'],
  [/\.service\.name$/, '.serviceName'],
  [/\.service\.port\.(name|number)$/, '.servicePort'],
]

const secretName = /^spec\.tls\[\d+\]\.secretName$/
const inRule = /^spec\.rules\[(\d+)\]\.http/

interface Ruled {
  readonly spec?: { readonly rules?: readonly { readonly host?: string }[] }
}

/** What these versions let pass: any name of a secret, and any rule of a host with a wildcard. */
const letsPass = ({ field }: FieldError, { spec }: Ruled): boolean => {
  const rule = inRule.exec(field)?.[1]
  return secretName.test(field) || (rule !== undefined && (spec?.rules?.[Number(rule)]?.host ?? '').includes('*'))
}

export const ingress: Form = {
  default: (object) =>
    ({
      ...object,
      spec: given({
        ...object.spec,
        rules: inPaths(object.spec?.rules, (path) => ({ pathType: 'ImplementationSpecific', ...given(path) })),
      }),
    }) as Loose,
  toStored: (object) => {
    const { backend, rules, ...spec } = object.spec ?? {}
    const defaultBackend = backend ? backendToStored(backend as LooseFields) : undefined
    return { ...object, spec: given({ ...spec, defaultBackend, rules: inBackends(rules, backendToStored) }) } as Loose
  },
  fromStored: (object) => {
    const { defaultBackend, rules, ...spec } = object.spec ?? {}
    const backend = defaultBackend ? backendFromStored(defaultBackend as LooseFields) : undefined
    return { ...object, spec: given({ ...spec, backend, rules: inBackends(rules, backendFromStored) }) } as Loose
  },
  fault: (fault, next) => {
    if (letsPass(fault, next as Ruled)) return undefined
    const field = places.reduce((at, [from, to]) => at.replace(from, to), fault.field)
    return { ...fault, field, body: fault.body.replace('`defaultBackend`', '`backend`') }
  },
}
