import { flowSchema, priorityLevelConfiguration, type Resource } from '@skiff/api'
import type { Client } from '@skiff/client'
import { isRefusal, type Json, type KubeObject, sameJson } from '@skiff/machinery'
import { mandatoryLevels, mandatorySchemas, suggestedLevels, suggestedSchemas } from './bootstrap-objects.ts'

export const autoUpdate = 'apf.kubernetes.io/autoupdate-spec'

interface Configured extends KubeObject {
  readonly spec: object
}

/** The objects of one kind that a server sees to. */
interface Wanted<T extends Configured> {
  readonly resource: Resource<T>
  readonly mandatory: Readonly<Record<string, object>>
  readonly suggested: Readonly<Record<string, object>>
}

/**
 * Makes the mandatory and suggested objects and keeps them, as upstream does: mandatory ones always have their spec; suggested ones are
 * given it while their annotation says so, which it does until somebody changes the spec without it; objects with the annotation that
 * this release does not know are removed. What others change meanwhile is left for the next time.
 */
export const maintainObjects = async (client: Client): Promise<void> => {
  await maintain(client, { resource: priorityLevelConfiguration, mandatory: mandatoryLevels, suggested: suggestedLevels })
  await maintain(client, { resource: flowSchema, mandatory: mandatorySchemas, suggested: suggestedSchemas })
}

const maintain = async <T extends Configured>(client: Client, { resource, mandatory, suggested }: Wanted<T>): Promise<void> => {
  const { items } = await client.list(resource)
  const held = new Map(items.map((item) => [item.metadata.name, item]))
  const wanted = [
    ...Object.entries(suggested).map(([name, spec]) => ({ name, spec, always: false })),
    ...Object.entries(mandatory).map(([name, spec]) => ({ name, spec, always: true })),
  ]
  await Promise.all(
    wanted.map(({ name, spec, always }) => {
      const object = held.get(name)
      held.delete(name)
      return settled(object ? keep(client, resource, object, spec, always) : make(client, resource, name, spec))
    }),
  )
  const strays = [...held.values()].filter(({ metadata }) => metadata.annotations?.[autoUpdate] === 'true')
  await Promise.all(
    strays.map(({ metadata }) =>
      settled(
        client.remove(
          resource,
          { name: metadata.name },
          { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } },
        ),
      ),
    ),
  )
}

const settled = async (act: Promise<unknown>): Promise<void> => {
  try {
    await act
  } catch (error) {
    // Another writer was first.
    if (!isRefusal(error, 409) && !isRefusal(error, 404)) throw error
  }
}

const make = (client: Client, resource: Resource<Configured>, name: string, spec: object): Promise<unknown> =>
  client.create(resource, { metadata: { name, annotations: { [autoUpdate]: 'true' } }, spec } as never)

const keep = async (client: Client, resource: Resource<Configured>, object: Configured, spec: object, always: boolean): Promise<void> => {
  const said = object.metadata.annotations?.[autoUpdate]
  const clear = said === 'true' || said === 'false'
  // Without a clear word of the annotation, a spec that was never changed is the server's.
  const ours = always || (clear ? said === 'true' : object.metadata.generation === 1)
  const annotation = always || ours ? 'true' : 'false'
  const next = always ? withOwnExempt(object, spec, said) : spec
  const changes = ours && !sameJson(object.spec as Json, next as Json)
  if (!changes && said === annotation) return
  await client.update(resource, {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [autoUpdate]: annotation } },
    ...(changes ? { spec: next } : {}),
  })
}

/** The numbers of the level `exempt` are the administrator's where the annotation says so. */
const withOwnExempt = (object: Configured, spec: object, said: string | undefined): object => {
  const { exempt } = object.spec as { exempt?: object }
  return 'exempt' in spec && exempt && (said === 'false' || (said !== 'true' && object.metadata.generation !== 1))
    ? { ...spec, exempt }
    : spec
}
