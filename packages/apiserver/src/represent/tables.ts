import { type Column, columnsOf, type Kind, orderedMetadata, podRowConditions } from '@skiff/api'
import type { Env, KubeObject } from '@skiff/machinery'
import type { Tables } from './parts.ts'

/** Tables as kubectl prints them: each kind's columns, ages counted to the environment's clock. */
export const createTables = (env: Env): Tables => ({
  table: (kind, objects, { include, version, metadata, headers }) => {
    const { writtenAs, conversion } = kind
    const columns = kind.columns ?? columnsOf((writtenAs ?? kind).group, kind.kind)
    const told = writtenAs && conversion ? conversion.toStored : (object: KubeObject) => object
    const nowMs = env.now()
    const conditions = rowConditions[`${kind.group}/${kind.kind}`]
    return {
      kind: 'Table',
      apiVersion: `meta.k8s.io/${version}`,
      metadata,
      columnDefinitions: headers ? columns.map(definition) : null,
      rows: objects.map((object) => {
        const from = told(object)
        const cells = columns.map((column) => column.cell(from, nowMs))
        const marks = conditions?.(object)
        return { cells, ...(marks ? { conditions: marks } : {}), object: rowObject(kind, object, include, version) }
      }),
    }
  },
})

const definition = ({ name, type, format, description, priority }: Column) => ({ name, type, format, description, priority })

/** Conditions of rows, by which clients tell pods that have run to their end. */
const rowConditions: Readonly<Record<string, (object: KubeObject) => readonly unknown[] | undefined>> = {
  '/Pod': (object) => podRowConditions(object as Parameters<typeof podRowConditions>[0]),
}

const rowObject = (kind: Kind, object: KubeObject, include: string, version: string): unknown => {
  if (include === 'None') return null
  if (include === 'Object') return wholeObject(kind, object)
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: orderedMetadata(object.metadata) }
}

/** The object first with its names, as Go writes it. */
const wholeObject = (kind: Kind, { apiVersion: _, kind: __, metadata, ...rest }: KubeObject): unknown => ({
  kind: kind.kind,
  apiVersion: kind.apiVersion,
  metadata: orderedMetadata(metadata),
  ...rest,
})
