import type { Pod } from '@skiff/api'
import type { AnswerRules, ExecRule, ForwardRule, LogRule, LogSource } from '../answers/rules.ts'
import type { Template } from '../kwok/template.ts'
import type { Fields } from './fields.ts'
import { readScope, setOf } from './scope.ts'

type Compile = (source: string) => Template

/** Reads one of kwok's kinds that say what pods answer. Undefined for another kind. Throws a FileError. */
export const readAnswers = (kind: string, name: string, document: Fields, compile: Compile): Partial<AnswerRules> | undefined => {
  const isCluster = kind.startsWith('Cluster')
  const spec = (): Fields => document.object('spec') ?? document.refuse('spec', 'is missing')
  const scope = () => readScope(isCluster, name, document)
  switch (isCluster ? kind.slice('Cluster'.length) : kind) {
    case 'Logs':
      return {
        logs: spec()
          .list('logs')
          .map((log) => ({ ...scope(), ...readLog(log, compile) })),
      }
    case 'Attach':
      return {
        attaches: spec()
          .list('attaches')
          .map((log) => ({ ...scope(), ...readLog(log, compile) })),
      }
    case 'Exec':
      return {
        execs: spec()
          .list('execs')
          .map((exec) => ({ ...scope(), ...readExec(exec) })),
      }
    case 'PortForward':
      return {
        forwards: spec()
          .list('forwards')
          .map((forward) => ({ ...scope(), ...readForward(forward) })),
      }
    default:
      return undefined
  }
}

/** Besides kwok's fields: `lines`, each a template over the pod. */
const readLog = (log: Fields, compile: Compile): Omit<LogRule, 'namespaces' | 'names'> => {
  log.only('containers', 'logsFile', 'previousLogsFile', 'follow', 'lines', 'previousLines')
  return {
    containers: setOf(log.texts('containers')),
    source: readSource(log, 'logsFile', 'lines', compile) ?? log.refuse('logsFile', 'is missing, and so are lines'),
    previous: readSource(log, 'previousLogsFile', 'previousLines', compile),
    follow: log.flag('follow') ?? false,
  }
}

const readSource = (log: Fields, file: string, lines: string, compile: Compile): LogSource | undefined => {
  const [path, texts] = [log.text(file), log.texts(lines)]
  if (path !== undefined && texts) log.refuse(lines, `must not be given beside ${file}`)
  if (path !== undefined) return { path }
  const templates = log.reading(lines, () => texts?.map(compile))
  return templates && { lines: (pod: Pod) => templates.map((each) => each.text(pod)) }
}

const readExec = (exec: Fields): Omit<ExecRule, 'namespaces' | 'names'> => {
  exec.only('containers', 'local')
  const local = exec.object('local') ?? exec.refuse('local', 'is missing: commands can only run on this machine')
  local.only('workDir', 'envs', 'securityContext')
  const security = local.object('securityContext')
  security?.only('runAsUser', 'runAsGroup')
  return {
    containers: setOf(exec.texts('containers')),
    workDir: local.text('workDir'),
    variables: Object.fromEntries(
      local.list('envs').map((each) => [each.text('name') ?? each.refuse('name', 'is missing'), each.text('value') ?? '']),
    ),
    userId: security?.number('runAsUser'),
    groupId: security?.number('runAsGroup'),
  }
}

const readForward = (forward: Fields): Omit<ForwardRule, 'namespaces' | 'names'> => {
  forward.only('ports', 'target', 'command')
  const ports = forward.texts('ports')?.map((text, i) => portOf(text) ?? forward.refuse(`ports[${i}]`, 'must be a port'))
  const command = forward.texts('command')
  return { ports: ports && ports.length > 0 ? new Set(ports) : undefined, to: command ? { command } : readTarget(forward) }
}

const readTarget = (forward: Fields): ForwardRule['to'] => {
  const target = forward.object('target') ?? forward.refuse('target', 'is missing, and so is command')
  target.only('address', 'port')
  return {
    host: target.text('address') ?? target.refuse('address', 'is missing'),
    port: portOf(target.text('port') ?? target.refuse('port', 'is missing')) ?? target.refuse('port', 'must be a port'),
  }
}

const portOf = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : undefined
