// The tree of a tileset before it is walked: what loaders.gl 4.4 does not know of 3D Tiles 1.1, and volumes where the map lies flat.

const SLACK_M = 200; // hills within one view, where features are set on a ground that the volumes know nothing of
let number = 0;

/** Changes the headers of a tree in place: ids of their own, several contents in one tile, volumes of features that stand on the map. */
export function mended(root, base, standing) {
  const stack = [root];
  while (stack.length) {
    const header = stack.pop();
    const [first, ...more] = header.contents ?? [];
    if (first) Object.assign(header, { contentUrl: `${base}/${first.uri}`, type: "scenegraph", more: more.map(({ uri }) => `${base}/${uri}`) });
    // By address two tiles that draw the same file would be one.
    if (header.contentUrl) header.id = `${header.contentUrl}#${number++}`;
    const { region } = header.boundingVolume;
    if (region && standing.movesFeatures) {
      const [west, south, east, north, low, high] = region;
      const slack = standing.raised ? SLACK_M : 0;
      header.boundingVolume = { region: [west, south, east, north, -slack, high - low + slack] };
    }
    stack.push(...(header.children ?? []));
  }
}
