import type { Pod } from '@skiff/api'

/** Whom a rule is for; absent: no matter. */
export interface PodScope {
  readonly namespaces: ReadonlySet<string> | undefined
  readonly names: ReadonlySet<string> | undefined
  readonly containers: ReadonlySet<string> | undefined
}

/** What containers have written: kwok's Logs and ClusterLogs, Attach and ClusterAttach. */
export interface LogRule extends PodScope {
  readonly source: LogSource
  /** Of the instance before the last restart. */
  readonly previous: LogSource | undefined
  /** Who follows is told what is added, until the container ends; otherwise the end of what is there is the end. */
  readonly follow: boolean
}

/** A file of this machine, or what a pod's log is, line by line. */
export type LogSource = { readonly path: string } | { readonly lines: (pod: Pod) => readonly string[] }

/** Commands run on this machine: kwok's Exec and ClusterExec. */
export interface ExecRule extends PodScope, LocalRun {}

export interface LocalRun {
  readonly workDir: string | undefined
  readonly variables: Readonly<Record<string, string>>
  readonly userId: number | undefined
  readonly groupId: number | undefined
}

/** Where connections to ports lead: kwok's PortForward and ClusterPortForward. */
export interface ForwardRule extends Omit<PodScope, 'containers'> {
  /** Absent: every port. */
  readonly ports: ReadonlySet<number> | undefined
  readonly to: { readonly host: string; readonly port: number } | { readonly command: readonly string[] }
}

/** What simulated pods answer to who looks into them. */
export interface AnswerRules {
  readonly logs: readonly LogRule[]
  readonly attaches: readonly LogRule[]
  readonly execs: readonly ExecRule[]
  readonly forwards: readonly ForwardRule[]
}

export const isFor = (
  { namespaces, names, containers }: PodScope,
  { metadata }: { readonly metadata: { readonly name: string; readonly namespace?: string } },
  container: string,
): boolean =>
  (!namespaces || namespaces.has(metadata.namespace ?? '')) &&
  (!names || names.has(metadata.name)) &&
  (!containers || containers.has(container))
