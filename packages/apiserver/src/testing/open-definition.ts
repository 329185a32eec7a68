/** A namespaced definition of one version that takes any fields, with status and scale. `more` goes into the version. */
export const openDefinition = (group: string, plural: string, kind: string, more: object = {}) => ({
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural, kind },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
        ...more,
      },
    ],
  },
})
