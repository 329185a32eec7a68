import type { Plugin } from '../cycle/framework.ts'

const mebibyte = 1024 * 1024
const minBytes = 23 * mebibyte
const maxBytesPerContainer = 1000 * mebibyte

/** As nodes report images: with a tag. */
const withTag = (image: string): string => (image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image)

/** Nodes that hold the pod's images already score by their size, less for images that few nodes hold: those would draw all pods. */
export const imageLocality: Plugin = {
  name: 'ImageLocality',
  points: ['score'],
  reactsTo: [],
  weight: 1,
  begin: ({ pod }, { snapshot }) => {
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
    const wanted = containers.map((each) => withTag(each.image ?? ''))
    const present = wanted.filter((image) => snapshot.images.spread(image))
    if (present.length === 0) return 'skip'
    const maxBytes = maxBytesPerContainer * containers.length
    const shares = new Map(present.map((image) => [image, (snapshot.images.spread(image)?.nodes ?? 0) / snapshot.nodeCount]))
    return {
      score: (slot) => {
        let sum = 0
        for (const { names, sizeBytes } of snapshot.node(slot)?.node.status?.images ?? [])
          for (const image of present) if (names?.includes(image)) sum += Math.trunc((sizeBytes ?? 0) * (shares.get(image) ?? 0))
        const clamped = Math.min(maxBytes, Math.max(minBytes, sum))
        return Math.trunc((100 * (clamped - minBytes)) / (maxBytes - minBytes))
      },
    }
  },
}
