import {
  type CustomResourceDefinition,
  customResourceDefinition,
  type Node,
  node as nodes,
  type Pod,
  pod as pods,
  type Resource,
  resourceFacts,
} from '@skiff/api'
import type { Client, EventRecorder, Views } from '@skiff/client'
import { type Env, type KubeObject, splitApiVersion } from '@skiff/machinery'
import { FileError } from '../file/fields.ts'
import type { SimulationFile } from '../file/read-file.ts'
import type { FileStage } from '../kwok/read-stage.ts'
import type { Lanes } from '../lanes.ts'
import type { Fleet } from '../nodes/fleet.ts'
import { builtinNodeStages } from '../nodes/stages.ts'
import { behaviourOf } from '../pods/behaviour.ts'
import { builtinPodStages } from '../pods/stages.ts'
import type { Wheel } from '../wheel.ts'
import { createPlayer, type Player } from './player.ts'
import type { Stage } from './stage.ts'

export interface PlayersOptions {
  readonly client: Client
  readonly env: Env
  readonly wheel: Wheel
  readonly lanes: Lanes
  readonly views: Views
  readonly fleet: Fleet
  readonly recorder: EventRecorder
  readonly file: SimulationFile
  /** What is served now, custom kinds included. */
  readonly resources: () => readonly Resource[]
}

/** Definitions are served a moment after they say so. */
const servedMs = 500

/** A player for pods, one for nodes where the file has stages for them, and one for each other kind that it names; of a custom kind from when it is served. */
export const createPlayers = (options: PlayersOptions): Player => {
  const { client, env, views, fleet, file, resources } = options
  const { wheel, lanes, recorder } = options
  const common = { env, wheel, lanes, recorder, maker: client, resourceOf: (object: KubeObject) => servedBy(resources(), object) }
  const playing: Player[] = [podPlayer(options, common)]
  const ownNodes = stagesFor<Node>(file, isKind('', 'Node'))
  if (ownNodes.length > 0)
    playing.push(
      createPlayer<Node>({
        ...common,
        resource: nodes,
        view: views.view(nodes),
        stages: file.keepsBuiltins ? beside(builtinNodeStages(fleet.hostIP), ownNodes) : ownNodes,
        isOurs: ({ metadata }) => fleet.isAlive(metadata.name),
        clientFor: () => client,
      }),
    )
  const play = (found: Resource, ref: FileStage): void => {
    const stages = stagesFor<KubeObject>(file, isKind(ref.group, ref.kind))
    playing.push(createPlayer({ ...common, resource: found, view: views.view(found), stages, isOurs: () => true, clientFor: () => client }))
  }
  const awaited = new Map<string, FileStage>()
  for (const ref of file.stages) if (!isKind('', 'Pod')(ref) && !isKind('', 'Node')(ref)) awaited.set(`${ref.group}/${ref.kind}`, ref)
  const playServed = (): void => {
    for (const [key, ref] of awaited) {
      const found = resourceOf(resources(), ref)
      if (!found) continue
      awaited.delete(key)
      play(found, ref)
    }
  }
  playServed()
  for (const [, ref] of awaited) refuseUnknown(ref, env)
  const unfollow = awaited.size > 0 ? onDefinitions(views, env, playServed) : () => {}
  return {
    review: () => {
      for (const player of playing) player.review()
    },
    stop: () => {
      unfollow()
      for (const player of playing) player.stop()
    },
  }
}

type Common = Pick<Parameters<typeof createPlayer>[0], 'env' | 'wheel' | 'lanes' | 'recorder' | 'maker' | 'resourceOf'>

const podPlayer = ({ views, fleet, file }: PlayersOptions, common: Common): Player => {
  const nodeOf = (pod: Pod): string => pod.spec.nodeName ?? ''
  const builtins = builtinPodStages({
    behaviour: (pod) => behaviourOf(pod, fleet.shapeOf(nodeOf(pod))?.failures),
    hostIP: (pod) => fleet.hostIP(nodeOf(pod)),
    place: fleet.placePod,
  })
  const own = stagesFor<Pod>(file, isKind('', 'Pod'))
  return createPlayer<Pod>({
    ...common,
    resource: pods,
    view: views.view(pods),
    stages: own.length === 0 ? builtins : file.keepsBuiltins ? beside(builtins, own) : own,
    isOurs: (pod) => fleet.isAlive(nodeOf(pod)),
    clientFor: (pod) => fleet.clientOf(nodeOf(pod)),
  })
}

/** Of those of one name the file's own stands. */
const beside = <T extends KubeObject>(builtins: readonly Stage<T>[], own: readonly Stage<T>[]): readonly Stage<T>[] => [
  ...builtins.filter(({ name }) => own.every((each) => each.name !== name)),
  ...own,
]

const isKind =
  (group: string, kind: string) =>
  (ref: Pick<FileStage, 'group' | 'kind'>): boolean =>
    ref.group === group && ref.kind === kind

const stagesFor = <T extends KubeObject>({ stages }: SimulationFile, is: (ref: FileStage) => boolean): readonly Stage<T>[] =>
  stages.filter(is).map(({ stage }) => stage as unknown as Stage<T>)

/** The version that the file names, where it is served; else any of that kind. */
const resourceOf = (resources: readonly Resource[], { group, version, kind }: Omit<FileStage, 'stage'>): Resource | undefined => {
  const all = resources.filter((each) => each.group === group && each.kind === kind)
  return all.find((each) => each.version === version) ?? all[0]
}

const servedBy = (resources: readonly Resource[], { apiVersion = '', kind = '' }: KubeObject): Resource => {
  const { group, version } = splitApiVersion(apiVersion)
  const found = resources.find((each) => each.group === group && each.version === version && each.kind === kind)
  if (!found) throw new Error(`there is no kind ${JSON.stringify(kind)} in ${JSON.stringify(apiVersion)}`)
  return found
}

/** A custom kind may come yet; of upstream's own, what is not there now will not be. */
const refuseUnknown = ({ group, kind, stage }: FileStage, env: Env): void => {
  const name = group === '' ? kind : `${kind}.${group}`
  if (resourceFacts.some((each) => each.group === group)) throw new FileError(`Stage ${stage.name} is for ${name}, which is not served`)
  env.log.info('a stage waits until its kind is defined', { stage: stage.name, kind: name })
}

const onDefinitions = (views: Views, env: Env, act: () => void): (() => void) => {
  let cancel: (() => void) | undefined
  const unsubscribe = views.view<CustomResourceDefinition>(customResourceDefinition).subscribe(({ after }) => {
    if (!after || cancel) return
    cancel = env.after(servedMs, () => {
      cancel = undefined
      act()
    })
  })
  return () => {
    unsubscribe()
    cancel?.()
  }
}
