import { node, type Resource } from '@skiff/api'
import type { Target } from '@skiff/client'
import { isRefusal, type KubeObject, notFound, type Refusal } from '@skiff/machinery'
import { meanwhile, type World } from '../world/world.ts'
import type { Act, NodeChoice, ObjectRef } from './read-trace.ts'
import { resourceNamed, resourceOf } from './resources.ts'
import type { Timeline } from './timeline.ts'

/** Does one act of a trace, and tells it. What the API server refuses is told, and the trace goes on. */
export const perform = async (world: World, timeline: Timeline, act: Exclude<Act, { do: 'expect' }>): Promise<void> => {
  timeline.line('*', sentence(act))
  try {
    await meanwhile(doIt(world, act), world.live)
  } catch (error) {
    if (!isRefusal(error)) throw error
    timeline.line('!', `refused: ${(error as Refusal).message}`)
  }
}

const refText = ({ kind, name, namespace }: ObjectRef): string => `${kind}/${name}${namespace === 'default' ? '' : ` of ${namespace}`}`
const nodesText = (nodes: NodeChoice): string => ('names' in nodes ? nodes.names.join(', ') : `every node with ${nodes.text}`)
const secondsText = (ms: number): string => `${ms / 1_000} s`

const sentence = (act: Exclude<Act, { do: 'expect' }>): string => {
  switch (act.do) {
    case 'say':
      return act.text
    case 'apply':
      return `apply ${act.from ?? act.objects.map((each) => named(each as KubeObject)).join(', ')}`
    case 'delete':
      return `delete ${refText(act.of)}`
    case 'scale':
      return `scale ${refText(act.of)} to ${act.replicas}`
    case 'patch':
      return `patch ${refText(act.of)} with ${JSON.stringify(act.merge)}`
    case 'join':
      return `${act.shape.count} nodes join: ${act.shape.name}`
    case 'cutWatches':
      return `the watches of ${act.of.join(', ')} are cut`
    case 'crash':
      return `crash of the ${act.who} for ${secondsText(act.forMs)}`
    case 'jumpClock':
      return `the clock jumps by ${secondsText(act.byMs)}`
    default:
      return `${act.do}: ${nodesText(act.nodes)}`
  }
}

const named = (object: KubeObject): string => `${object.kind} ${object.metadata?.name ?? object.metadata?.generateName ?? ''}`

const servedBy = ({ api }: World): readonly Resource[] => api.registry.all()
const targetOf = (resource: Resource, { name, namespace }: ObjectRef): Target => ({ name, ...(resource.namespaced ? { namespace } : {}) })

const doIt = async (world: World, act: Exclude<Act, { do: 'expect' }>): Promise<void> => {
  const { client } = world
  switch (act.do) {
    case 'say':
      return
    case 'apply':
      for (const object of act.objects) await apply(world, object as KubeObject)
      return
    case 'delete': {
      const resource = resourceNamed(servedBy(world), act.of.kind)
      await client.remove(resource, targetOf(resource, act.of), { propagationPolicy: 'Background' })
      return
    }
    case 'scale':
    case 'patch': {
      const resource = resourceNamed(servedBy(world), act.of.kind)
      await client.patch(
        resource,
        targetOf(resource, act.of),
        'merge',
        act.do === 'scale' ? { spec: { replicas: act.replicas } } : act.merge,
      )
      return
    }
    case 'join':
      return world.simulation.fleet.join(act.shape)
    case 'cutWatches':
      for (const part of act.of) (part === 'nodes' ? world.nodesLink : world[part]).cut()
      return
    case 'crash':
      return crash(world, act.who, act.forMs)
    case 'jumpClock':
      return world.jumpClock(act.byMs)
    default:
      for (const name of await namesOf(world, act.nodes)) await toNode(world, act.do, name)
  }
}

const apply = async ({ api, client }: World, object: KubeObject): Promise<void> => {
  const resource = resourceOf(api.registry.all(), object)
  const { name, namespace = 'default', generateName } = object.metadata ?? {}
  const where = resource.namespaced ? { namespace } : {}
  const placed = { ...object, metadata: { ...object.metadata, ...where } }
  if (name === undefined && generateName !== undefined) await client.create(resource, placed)
  else await client.patch(resource, { ...where, name }, 'apply', placed, { query: { fieldManager: 'skiff-simulate', force: 'true' } })
}

/** It begins anew later, while the trace goes on. */
const crash = async (world: World, who: 'controllers' | 'scheduler', forMs: number): Promise<void> => {
  world[who].crash()
  world.env.after(forMs, () => void world[who].start())
}

const namesOf = async ({ client }: World, nodes: NodeChoice): Promise<readonly string[]> => {
  if ('names' in nodes) return nodes.names
  const { items } = await client.list(node)
  return items.filter((each) => nodes.where(each)?.[0] === true).map(({ metadata }) => metadata.name)
}

const toNode = async (
  { client, simulation }: World,
  what: 'die' | 'recover' | 'leave' | 'cordon' | 'uncordon',
  name: string,
): Promise<void> => {
  if (what === 'die' || what === 'recover') {
    if (!simulation.setAlive(name, what === 'recover')) throw notFound({ group: '', resource: 'nodes' }, name)
  } else if (what === 'leave') await client.remove(node, { name })
  else await client.patch(node, { name }, 'merge', { spec: { unschedulable: what === 'cordon' ? true : null } })
}
