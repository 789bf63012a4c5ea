// Forgets how near what was drawn so far is. Areas lie below the relief in triangles so large that they bridge its valleys: they are painted,
// then the relief alone says what hides what.

const { deck } = globalThis;

export class DepthReset extends deck.Layer {
  static layerName = "DepthReset";

  initializeState() {}

  draw() {
    const { gl } = this.context;
    gl.depthMask(true);
    gl.clear(gl.DEPTH_BUFFER_BIT);
  }
}
