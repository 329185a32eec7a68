import type { KubeObject } from '@skiff/machinery'
import type { Tables } from './parts.ts'

/** Tables with the columns that every kind has. */
export const builtinTables: Tables = {
  table: (_kind, objects, { include, version, metadata, headers }) => ({
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: headers
      ? [
          { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
          { name: 'Created At', type: 'date', format: '', description: '', priority: 0 },
        ]
      : null,
    rows: objects.map((object) => ({
      cells: [object.metadata.name, object.metadata.creationTimestamp],
      ...rowObject(object, include, version),
    })),
  }),
}

const rowObject = (object: KubeObject, include: string, version: string) => {
  if (include === 'None') return { object: null }
  if (include === 'Object') return { object }
  return { object: { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata } }
}
