/** Something is wrong with an image or its archive, said in one sentence for the user. */
export class ImageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ImageError'
  }
}

export const invalidImageName = (text: string): ImageError => new ImageError(`invalid image name ${JSON.stringify(text)}`)
