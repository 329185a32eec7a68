import { type Json, type JsonObject, sortedKeys } from '@skiff/machinery'
import { at, listAt, mapAt, numberAt, textAt, textsAt } from '../objects/fields.ts'
import { capitalBool, line, orNone, quantityText, timeAt } from './lines.ts'
import { resourceFieldText } from './resource-field.ts'

/** What an environment variable that names a field of the pod has as its value. */
export type FieldResolver = (reference: JsonObject) => string

const joinedPorts = (ports: readonly JsonObject[], key: string): string =>
  ports.map((port) => `${numberAt(port, key)}/${textAt(port, 'protocol')}`).join(', ')

const portLine = (title: string, text: string): string => line(2, text.includes(',') ? `${title}s:\t${text}` : `${title}:\t${orNone(text)}`)

const seccompLines = (container: JsonObject): string[] => {
  const type = textAt(container, 'securityContext.seccompProfile.type')
  if (at(container, 'securityContext.seccompProfile') === undefined) return []
  const local = textAt(container, 'securityContext.seccompProfile.localhostProfile')
  return [line(2, `SeccompProfile:\t${type}`), ...(type === 'Localhost' ? [line(3, `LocalhostProfile:\t${local}`)] : [])]
}

const basicLines = (container: JsonObject, status: JsonObject | undefined): string[] => [
  ...(status ? [line(2, `Container ID:\t${textAt(status, 'containerID')}`)] : []),
  line(2, `Image:\t${textAt(container, 'image')}`),
  ...(status ? [line(2, `Image ID:\t${textAt(status, 'imageID')}`)] : []),
  portLine('Port', joinedPorts(listAt(container, 'ports'), 'containerPort')),
  portLine('Host Port', joinedPorts(listAt(container, 'ports'), 'hostPort')),
  ...seccompLines(container),
]

const wordLines = (title: string, words: readonly string[]): string[] =>
  words.length === 0 ? [] : [line(2, `${title}:`), ...words.flatMap((word) => word.split('\n').map((each) => line(3, each)))]

const stateLines = (title: string, state: JsonObject): string[] => {
  const optional = (name: string, path: string): string[] =>
    textAt(state, path) === '' ? [] : [line(3, `${name}:\t${textAt(state, path)}`)]
  if (state.running) return [line(2, `${title}:\tRunning`), line(3, `Started:\t${timeAt(state, 'running.startedAt')}`)]
  if (!state.terminated) return [line(2, `${title}:\tWaiting`), ...optional('Reason', 'waiting.reason')]
  return [
    line(2, `${title}:\tTerminated`),
    ...optional('Reason', 'terminated.reason'),
    ...optional('Message', 'terminated.message'),
    line(3, `Exit Code:\t${numberAt(state, 'terminated.exitCode')}`),
    ...(numberAt(state, 'terminated.signal') > 0 ? [line(3, `Signal:\t${numberAt(state, 'terminated.signal')}`)] : []),
    line(3, `Started:\t${timeAt(state, 'terminated.startedAt')}`),
    line(3, `Finished:\t${timeAt(state, 'terminated.finishedAt')}`),
  ]
}

const statusLines = (status: JsonObject | undefined): string[] =>
  status === undefined
    ? []
    : [
        ...stateLines('State', mapAt(status, 'state')),
        ...(at(status, 'lastState.terminated') === undefined ? [] : stateLines('Last State', mapAt(status, 'lastState'))),
        line(2, `Ready:\t${capitalBool(status.ready)}`),
        line(2, `Restart Count:\t${numberAt(status, 'restartCount')}`),
      ]

const amountLines = (title: string, amounts: JsonObject, level: number): string[] => {
  const names = sortedKeys(amounts)
  return names.length === 0
    ? []
    : [line(level, `${title}:`), ...names.map((name) => line(level + 1, `${name}:\t${quantityText(amounts[name])}`))]
}

/** Limits and requests. */
export const resourceLines = (resources: JsonObject, level: number): string[] => [
  ...amountLines('Limits', mapAt(resources, 'limits'), level),
  ...amountLines('Requests', mapAt(resources, 'requests'), level),
]

// Go's URL writes a path percent-encoded where it must.
const urlPath = (path: string): string => encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')
const hostPort = (host: string, port: string): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

const probeText = (probe: JsonObject): string => {
  const count = (path: string): number => numberAt(probe, path)
  const attributes = `delay=${count('initialDelaySeconds')}s timeout=${count('timeoutSeconds')}s period=${count('periodSeconds')}s #success=${count('successThreshold')} #failure=${count('failureThreshold')}`
  if (probe.exec) return `exec [${textsAt(probe, 'exec.command').join(' ')}] ${attributes}`
  if (probe.httpGet) {
    const { scheme, host, port, path } = { scheme: '', host: '', port: '', path: '', ...mapAt(probe, 'httpGet') }
    const slash = path === '' || String(path).startsWith('/') ? '' : '/'
    return `http-get ${String(scheme).toLowerCase()}://${hostPort(String(host), String(port))}${slash}${urlPath(String(path))} ${attributes}`
  }
  if (probe.tcpSocket) return `tcp-socket ${textAt(probe, 'tcpSocket.host')}:${textAt(probe, 'tcpSocket.port')} ${attributes}`
  if (probe.grpc) return `grpc <pod>:${textAt(probe, 'grpc.port')} ${textAt(probe, 'grpc.service')} ${attributes}`
  return `unknown ${attributes}`
}

const probeLines = (container: JsonObject): string[] =>
  Object.entries({ Liveness: 'livenessProbe', Readiness: 'readinessProbe', Startup: 'startupProbe' }).flatMap(([title, key]) =>
    container[key] ? [line(2, `${title}:\t${probeText(mapAt(container, key))}`)] : [],
  )

const optionalText = (reference: JsonObject): string => `Optional: ${reference.optional === true}`

const envFromLines = (container: JsonObject): string[] => {
  const sources = listAt(container, 'envFrom')
  if (sources.length === 0) return []
  return [
    line(2, 'Environment Variables from:'),
    ...sources.map((source) => {
      const from = source.configMapRef ? 'ConfigMap' : source.secretRef ? 'Secret' : ''
      const reference = mapAt(source, source.configMapRef ? 'configMapRef' : 'secretRef')
      const prefix = textAt(source, 'prefix')
      return line(3, `${textAt(reference, 'name')}\t${from}${prefix === '' ? '' : ` with prefix '${prefix}'`}\t${optionalText(reference)}`)
    }),
  ]
}

const variableLines = (variable: JsonObject, container: JsonObject, resolve: FieldResolver | undefined): string[] => {
  const name = textAt(variable, 'name')
  const from = mapAt(variable, 'valueFrom')
  if (variable.valueFrom === undefined)
    return textAt(variable, 'value')
      .split('\n')
      .map((text, i) => line(3, i === 0 ? `${name}:\t${text}` : `\t${text}`))
  const reference = (key: string): JsonObject => mapAt(from, key)
  if (from.fieldRef) {
    const field = reference('fieldRef')
    return [line(3, `${name}:\t${resolve?.(field) ?? ''} (${textAt(field, 'apiVersion')}:${textAt(field, 'fieldPath')})`)]
  }
  if (from.resourceFieldRef) {
    const { resource } = reference('resourceFieldRef')
    return [line(3, `${name}:\t${resourceFieldText(reference('resourceFieldRef'), container)} (${resource})`)]
  }
  const keyed = (key: string, where: string): string =>
    line(
      3,
      `${name}:\t<set to the key '${reference(key).key}' ${where} '${textAt(reference(key), 'name')}'>\t${optionalText(reference(key))}`,
    )
  if (from.secretKeyRef) return [keyed('secretKeyRef', 'in secret')]
  if (from.configMapKeyRef) return [keyed('configMapKeyRef', 'of config map')]
  return []
}

const variablesLines = (container: JsonObject, resolve: FieldResolver | undefined): string[] => {
  const variables = listAt(container, 'env')
  if (variables.length === 0) return [line(2, 'Environment:\t<none>')]
  return [line(2, 'Environment:'), ...variables.flatMap((variable) => variableLines(variable, container, resolve))]
}

const byText = (path: string) => (a: JsonObject, b: JsonObject) => (textAt(a, path) < textAt(b, path) ? -1 : 1)

const mountLines = (container: JsonObject): string[] => {
  const mounts = [...listAt(container, 'volumeMounts')].sort(byText('mountPath'))
  const devices = [...listAt(container, 'volumeDevices')].sort(byText('devicePath'))
  const none = mounts.length === 0 ? '\t<none>' : ''
  return [
    line(2, `Mounts:${none}`),
    ...mounts.map((mount) => {
      const path = textAt(mount, 'subPath')
      const marks = [mount.readOnly === true ? 'ro' : 'rw', ...(path === '' ? [] : [`path=${JSON.stringify(path)}`])]
      return line(3, `${textAt(mount, 'mountPath')} from ${textAt(mount, 'name')} (${marks.join(',')})`)
    }),
    // The devices' title carries the mark of the mounts, as kubectl's does.
    ...(devices.length === 0 ? [] : [line(2, `Devices:${none}`)]),
    ...devices.map((device) => line(3, `${textAt(device, 'devicePath')} from ${textAt(device, 'name')}`)),
  ]
}

/** Containers under a title; `space` is the indent of a template. */
export const containerLines = (
  title: string,
  containers: readonly JsonObject[],
  statuses: readonly JsonObject[],
  resolve: FieldResolver | undefined,
  space: string,
): string[] => {
  const statusOf = (name: Json | undefined): JsonObject | undefined => statuses.findLast((status) => status.name === name)
  return [
    `${space}${title}:${containers.length === 0 ? ' <none>' : ''}`,
    ...containers.flatMap((container) => {
      const status = statusOf(container.name)
      return [
        line(1, `${space === '' ? '' : ' '}${textAt(container, 'name')}:`),
        ...basicLines(container, status),
        ...wordLines('Command', textsAt(container, 'command')),
        ...wordLines('Args', textsAt(container, 'args')),
        ...statusLines(status),
        ...resourceLines(mapAt(container, 'resources'), 2),
        ...probeLines(container),
        ...envFromLines(container),
        ...variablesLines(container, resolve),
        ...mountLines(container),
      ]
    }),
  ]
}
