import { listAt, textAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { changeObjects, setFlags, withContainers, withPodSpec } from './pod-spec.ts'
import { divideWords, isPair, nothingNamed, splitPair } from './words.ts'

const lists = ['initContainers', 'containers']

export const image: Verb = {
  usage: '(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N',
  flags: setFlags,
  run: async (invocation) => {
    const { flags, args } = invocation
    const { words, settings } = divideWords(args, 'image', isPair)
    const images = new Map(settings.map(splitPair))
    if (flags.bool('all') && flags.text('selector')) throw new UsageError('cannot set --all and --selector at the same time')
    if (words.length === 0 && flags.list('filename').length === 0) throw new UsageError(nothingNamed)
    if (images.size === 0) throw new UsageError('at least one image update is required')
    if (images.size > 1 && images.has('*'))
      throw new UsageError('all containers are already specified by *, but saw more than one container_name=container_image pairs')
    return changeObjects(invocation, {
      words,
      done: 'image updated',
      failed: 'failed to patch image update to pod template:',
      next: (object, errors) =>
        withPodSpec(object, (spec) => {
          const names = lists.flatMap((key) => listAt(spec, key).map((container) => textAt(container, 'name')))
          for (const name of images.keys())
            if (name !== '*' && !names.includes(name))
              errors.push(new UsageError(`error: unable to find container named ${JSON.stringify(name)}`))
          const change = (container: Parameters<Parameters<typeof withContainers>[2]>[0]) => {
            const next = images.get(textAt(container, 'name')) ?? images.get('*')
            return next === undefined ? container : { ...container, image: next }
          }
          return lists.reduce((changed, key) => withContainers(changed, key, change), spec)
        }),
    })
  },
}
