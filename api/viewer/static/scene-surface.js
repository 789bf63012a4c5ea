// Triangles of a scene's tile: degrees from an origin and metres up, by colour or picture, each vertex with the feature it belongs to.

const { deck } = globalThis;

/** Where the light comes from, east, north, up: from the north-west, above, as on a relief map. */
export const LIGHT = [-0.4, 0.55, 0.73];

const VERTICES = `#version 300 es
#define SHADER_NAME scene-surface-vertices
in vec3 positions;
in vec3 normals;
in vec4 colors;
in vec2 texCoords;
in vec4 instanceColors;
in vec3 featurePickingColors;
out vec2 vPlace;
out vec3 vNormal;
out vec3 vPosition;
out vec3 vEye;
out vec4 vColor;
void main(void) {
  geometry.uv = texCoords;
  geometry.pickingColor = featurePickingColors;
  vec4 common_position = vec4(project_position(positions), 1.0);
  geometry.position = common_position;
  geometry.normal = normals;
  gl_Position = project_common_position_to_clipspace(common_position);
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
  vPlace = texCoords;
  vNormal = normals;
  vPosition = common_position.xyz;
  vEye = project.cameraPosition;
  vColor = colors * instanceColors;
  DECKGL_FILTER_COLOR(vColor, geometry);
}
`;
// What a picture shows has light of its own.
const FRAGMENTS = `#version 300 es
#define SHADER_NAME scene-surface-fragments
precision highp float;
uniform sampler2D sampler;
in vec2 vPlace;
in vec3 vNormal;
in vec3 vPosition;
in vec3 vEye;
in vec4 vColor;
out vec4 fragColor;
const vec3 LIGHT = vec3(${LIGHT});
const float DARKEST = 0.62;
void main(void) {
  geometry.uv = vPlace;
  vec4 color = vColor;
  if (simpleMesh.hasTexture) {
    color *= texture(sampler, vPlace);
    if (color.a < 0.3) discard;
  } else {
    vec3 across = cross(dFdx(vPosition), dFdy(vPosition));
    vec3 normal = simpleMesh.flatShading ? across : vNormal;
    normal = dot(normal, normal) > 0.0 ? normalize(normal) : vec3(0.0, 0.0, 1.0);
    if (simpleMesh.flatShading && dot(normal, vEye - vPosition) < 0.0) normal = -normal;
    float lit = max(0.0, dot(LIGHT, normal));
    color.rgb *= DARKEST + (1.0 - DARKEST) * min(1.0, 1.25 * lit);
  }
  fragColor = vec4(color.rgb, color.a * layer.opacity);
  DECKGL_FILTER_COLOR(fragColor, geometry);
}
`;

/** Wants `mesh.attributes` in LNGLAT_OFFSETS, and `featureIds`: a number for each vertex that picks its feature, -1 for none. */
export class SceneSurface extends deck.SimpleMeshLayer {
  getShaders() {
    return { ...super.getShaders(), vs: VERTICES, fs: FRAGMENTS };
  }

  initializeState() {
    super.initializeState();
    this.getAttributeManager().add({
      featurePickingColors: { type: "uint8", size: 3, noAlloc: true, update: (attribute) => (attribute.value = this.#pickingColors()) },
    });
  }

  #pickingColors() {
    const { featureIds } = this.props;
    const value = new Uint8ClampedArray(3 * featureIds.length);
    const color = [];
    for (let i = 0; i < featureIds.length; i++) if (featureIds[i] >= 0) value.set(this.encodePickingColor(featureIds[i], color), 3 * i);
    return value;
  }
}

SceneSurface.layerName = "SceneSurface";
SceneSurface.defaultProps = { featureIds: { type: "object", value: null } };
