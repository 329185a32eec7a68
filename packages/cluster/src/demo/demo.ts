export const demo = async (_name: string, _tell: (text: string) => void): Promise<void> => {}
