import facts from '../../facts/printer-columns.json' with { type: 'json' }
import type { Cells, Column } from './column.ts'
import * as core from './core.ts'
import { compileCell } from './expression.ts'
import { podMetricsCells } from './metrics.ts'
import { podCells } from './pods.ts'
import * as policies from './policies.ts'
import * as workloads from './workloads.ts'

interface ColumnFacts {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly priority?: number
  readonly cell: string
}
interface KindFacts {
  readonly columns?: readonly ColumnFacts[]
  readonly useDefault?: boolean
}
const kindFacts = facts.kinds as unknown as Readonly<Record<string, KindFacts>>

/** Cells that the facts tell in words, by `group/Kind`, or `Kind` in the core group. */
const ownCells: Readonly<Record<string, Cells>> = {
  ComponentStatus: core.componentStatusCells,
  Endpoints: core.endpointsCells,
  Event: core.eventCells,
  Node: core.nodeCells,
  PersistentVolume: core.persistentVolumeCells,
  PersistentVolumeClaim: core.persistentVolumeClaimCells,
  Pod: podCells,
  ResourceQuota: core.resourceQuotaCells,
  Service: core.serviceCells,
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': policies.policyBindingCells,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': policies.policyBindingCells,
  'apiregistration.k8s.io/APIService': policies.apiServiceCells,
  'apps/ControllerRevision': workloads.controllerRevisionCells,
  'apps/Deployment': workloads.deploymentCells,
  'apps/StatefulSet': workloads.statefulSetCells,
  'autoscaling/HorizontalPodAutoscaler': workloads.autoscalerCells,
  'batch/Job': workloads.jobCells,
  'certificates.k8s.io/CertificateSigningRequest': policies.signingRequestCells,
  'discovery.k8s.io/EndpointSlice': policies.endpointSliceCells,
  'events.k8s.io/Event': core.eventCells,
  'flowcontrol.apiserver.k8s.io/FlowSchema': policies.flowSchemaCells,
  'internal.apiserver.k8s.io/StorageVersion': policies.storageVersionCells,
  'metrics.k8s.io/PodMetrics': podMetricsCells,
  'networking.k8s.io/Ingress': policies.ingressCells,
  'networking.k8s.io/IngressClass': policies.ingressClassCells,
  'networking.k8s.io/IPAddress': policies.ipAddressCells,
  'rbac.authorization.k8s.io/ClusterRoleBinding': policies.roleBindingCells,
  'rbac.authorization.k8s.io/RoleBinding': policies.roleBindingCells,
  'resource.k8s.io/ResourceClaim': policies.resourceClaimCells,
  'storage.k8s.io/StorageClass': policies.storageClassCells,
  'storage.k8s.io/VolumeAttributesClass': policies.attributesClassCells,
}

const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique among those of its kind within a namespace.',
  priority: 0,
  cell: ({ metadata }) => metadata.name,
}

/** What upstream shows of a kind without columns of its own. */
export const defaultColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    format: '',
    description: 'When the object was created on the server.',
    priority: 0,
    cell: ({ metadata }) => metadata.creationTimestamp,
  },
]

const known = new Map<string, readonly Column[]>()

/** The columns of a built-in kind, compiled once; the default ones where it has none of its own. */
export const columnsOf = (group: string, kind: string): readonly Column[] => {
  const key = group === '' ? kind : `${group}/${kind}`
  let columns = known.get(key)
  if (!columns) {
    columns = kindFacts[key]?.columns?.map((column) => compileColumn(key, column)) ?? defaultColumns
    known.set(key, columns)
  }
  return columns
}

const compileColumn = (key: string, { name, type, format = '', priority = 0, cell }: ColumnFacts): Column => {
  const made = ownCells[key]?.[name] ?? compileCell(cell, type)
  if (!made) throw new Error(`the column ${name} of ${key} has no cell: ${cell}`)
  return { name, type, format, description: name === 'Name' ? nameColumn.description : '', priority, cell: made }
}

/** The kinds that have a table of their own. */
export const kindsWithColumns = (): readonly string[] => Object.keys(kindFacts)
