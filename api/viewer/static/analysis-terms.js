// Plain names of analyses, of what they ask and of what they answer: [Chinese, English]. What is not named here is shown
// under the name that the server gives it, so a new analysis works before anybody has found words for it.

/** Groups of analyses in the order of the list: {title, ids}. */
export const GROUPS = [
  { title: ["看得见什么", "What can be seen"], ids: ["viewshed", "line-of-sight", "camera-coverage", "who-sees"] },
  { title: ["日照与天空", "Sun and sky"], ids: ["sunlight", "shadow", "sky-view", "skyline"] },
  { title: ["高度与剖面", "Heights"], ids: ["height-control", "profile"] },
  { title: ["水与土方", "Water and earthwork"], ids: ["flood", "cut-fill", "stockpile"] },
];

/**
 * How an analysis is asked: `name`, the `question` it answers, the inputs that stand `first`, and inputs of which one set
 * is given (`either`); everything else stands under "more".
 */
export const PROCESSES = {
  viewshed: {
    name: ["可视域", "Viewshed"],
    question: ["从一点、一条路径或一片区域，能看见哪些地面？", "Which ground is seen from a point, a path or an area?"],
    first: ["from", "from_height_m", "reach_m", "target_height_m"],
  },
  "line-of-sight": {
    name: ["通视", "Line of sight"],
    question: ["从一处能否看见另外几处？被什么挡住？", "Are places seen from one place, and what hides them?"],
    first: ["from", "from_height_m", "to", "to_height_m"],
  },
  "camera-coverage": {
    name: ["监控覆盖与盲区", "Camera coverage"],
    question: ["区域里哪些地面有摄像机看得见，哪些是盲区？", "Which ground of an area do cameras see, and which does none?"],
    first: ["area", "cameras", "only", "target_height_m"],
  },
  "who-sees": {
    name: ["谁看得见此处", "Who sees this?"],
    question: ["哪些摄像机看得见一处？哪些对着它却被挡住？", "Which cameras see a place, and which point at it but are blocked?"],
    first: ["place", "target_height_m", "cameras"],
  },
  sunlight: {
    name: ["日照时数", "Hours of sunlight"],
    question: ["各处一天有几小时日照？是否符合大寒日、冬至日规定？", "How long does the sun reach each spot, and is the rule kept?"],
    first: ["at", "on", "spacing_m", "height_m"],
    either: [
      { title: ["按规定判定", "By a rule"], inputs: ["rule", "year"] },
      { title: ["任选一天", "On a day"], inputs: ["day", "from_hour", "to_hour"] },
    ],
  },
  shadow: {
    name: ["阴影", "Shadow"],
    question: ["某一时刻，区域里哪里在阴影中？", "Where does shadow lie in an area at a moment?"],
    first: ["area", "instant", "height_m"],
  },
  "sky-view": {
    name: ["天空可视率", "Sky view"],
    question: ["各处能看见多大一片天空？", "How much of the sky is seen from each spot?"],
    first: ["at", "spacing_m", "height_m"],
  },
  skyline: {
    name: ["天际线", "Skyline"],
    question: ["站在一处环顾，天际线有多高？", "How high is the skyline all round a place?"],
    first: ["place", "height_m", "margin_m"],
  },
  "height-control": {
    name: ["限高", "Height limits"],
    question: ["哪些建筑或规划体量超出机场净空面、景观视廊？", "Which buildings or plans pierce runway surfaces or view cones?"],
    first: ["area", "runways", "view_cones"],
  },
  profile: {
    name: ["剖面", "Section"],
    question: ["沿一条线，地面和建筑有多高？", "How high are ground and buildings along a line?"],
    first: ["line", "step_m"],
  },
  flood: {
    name: ["淹没", "Flood"],
    question: ["水涨到某一水位，或来一定水量，会淹到哪里、多深？", "How far and how deep does water come, up to a level or with an inflow?"],
    first: ["area", "sources"],
    either: [
      { title: ["按水位", "By level"], inputs: ["level_m"] },
      { title: ["按来水量", "By inflow"], inputs: ["inflow_m3"] },
    ],
  },
  "cut-fill": {
    name: ["挖填方", "Cut and fill"],
    question: ["整平到设计标高，或对比两期地形，要挖填多少？", "How much is cut and filled to reach a level, or between two terrains?"],
    first: ["area"],
    either: [
      { title: ["整平到标高", "To a level"], inputs: ["level_m"] },
      { title: ["对比两期地形", "Two terrains"], inputs: ["terrain_after"] },
    ],
  },
  stockpile: {
    name: ["料堆体积", "Stockpile"],
    question: ["点云中的一堆料有多少立方米？", "How many cubic metres lie in a heap of a point cloud?"],
    first: ["area", "cloud", "crs", "base_m"],
  },
};

/** Plainer words than the server's for some inputs, by name or by `process.name`. */
export const INPUTS = {
  from: ["从哪里看", "Seen from"],
  from_height_m: ["眼高（离地）", "Eye height above ground"],
  to: ["看向哪里", "Looking at"],
  to_height_m: ["目标高（离地）", "Target height above ground"],
  target_height_m: ["目标高（离地）", "Target height above ground"],
  reach_m: ["看多远", "As far as"],
  area: ["分析范围", "Area"],
  at: ["计算位置", "Where"],
  sources: ["来水位置", "Where the water comes from"],
  "cut-fill.level_m": ["设计标高", "Finished level"],
  "flood.level_m": ["水位", "Water level"],
  ground_m: ["地面高程", "Height of the ground"],
  cell_m: ["网格大小", "Cell size"],
  "planned.id": ["名称", "Name"],
  "view_cones.id": ["名称", "Name"],
  height_m: ["离地高度", "Height above ground"],
  "planned.height_m": ["高度", "Height"],
  "sunlight.height_m": ["窗台高（离地）", "Sill height above ground"],
  instant: ["时刻（北京时间）", "Moment (Beijing time)"],
};

/** Numbers of an answer by their path below `values`, or by the last name of it. */
export const VALUES = {
  lines: ["视线", "Lines"],
  visible: ["看得见", "Visible"],
  hidden: ["看不见", "Hidden"],
  unknown: ["无法判断", "Unknown"],
  viewpoints: ["视点数", "Viewpoints"],
  viewpointsWithoutGround: ["高程未知的视点", "Viewpoints without ground"],
  areas_m2: ["面积", "Areas"],
  area: ["合计", "In all"],
  seenByAtMost: ["最多被几个视点看见", "Seen by at most"],
  cameras: ["摄像机", "Cameras"],
  camerasNotUsable: ["参数不全的摄像机", "Cameras with missing values"],
  coveredShare: ["覆盖率", "Covered"],
  covered: ["有覆盖", "Covered"],
  byTwoOrMore: ["其中两台以上", "of it by two or more"],
  "one-camera": ["一台摄像机", "One camera"],
  "two-or-more": ["两台以上", "Two or more"],
  blind: ["盲区", "Blind"],
  seenBy: ["看得见的摄像机", "Seen by"],
  pointedButHidden: ["对着但被挡住", "Pointed at it but blocked"],
  date: ["日期", "Date"],
  fromHour: ["起（真太阳时）", "From (true solar time)"],
  toHour: ["止（真太阳时）", "To (true solar time)"],
  height_m: ["离地高度", "Height above ground"],
  points: ["点数", "Points"],
  withoutGround: ["高程未知的点", "Points without ground"],
  minutesLeast: ["最短日照", "Least sunlight"],
  minutesMean: ["平均日照", "Mean sunlight"],
  verdicts: ["判定", "Verdicts"],
  kept: ["符合", "Kept"],
  broken: ["不符合", "Not kept"],
  instant: ["时刻", "Moment"],
  azimuth_deg: ["太阳方位", "Azimuth of the sun"],
  altitude_deg: ["太阳高度角", "Altitude of the sun"],
  sun: ["日照", "Sun"],
  "sun.": ["太阳位置", "Position of the sun"],
  refraction_deg: ["大气折光", "Refraction"],
  time: ["时间制", "Time"],
  rule: ["规定", "Rule"],
  shadow: ["阴影", "Shadow"],
  skyViewLeast: ["最小可视率", "Least sky view"],
  skyViewMean: ["平均可视率", "Mean sky view"],
  elevation_m: ["眼睛高程", "Elevation of the eye"],
  buildings: ["建筑", "Buildings"],
  underSurfaces: ["限高面之下", "Below surfaces"],
  above: ["超高", "Too high"],
  below: ["未超高", "Within the limit"],
  length_m: ["长度", "Length"],
  gain_m: ["累计上升", "Ascent"],
  loss_m: ["累计下降", "Descent"],
  lowest_m: ["最低", "Lowest"],
  highest_m: ["最高", "Highest"],
  area_m2: ["面积", "Area"],
  volume_m3: ["体积", "Volume"],
  deepest_m: ["最深", "Deepest"],
  highestLevel_m: ["最高水面", "Highest water level"],
  ending: ["终止于", "It ends"],
  surplus_m3: ["流出或未放下的水", "Water that left"],
  unknownGround_m2: ["高程未知", "Ground unknown"],
  cut_m3: ["挖方", "Cut"],
  fill_m3: ["填方", "Fill"],
  net_m3: ["净量", "Net"],
  withoutData_m2: ["无数据", "Without data"],
  aboveBase_m3: ["底面以上", "Above the base"],
  belowBase_m3: ["底面以下", "Below the base"],
  base: ["底面", "Base"],
  compared: ["与建设前相比", "Against the city before"],
  "compared.": ["与建设前相比", "Against the city before"],
};

/** Words among values that the server writes in English. */
export const CODES = {
  held: ["水留在范围内", "the water stays in the area"],
  "left-the-area": ["水流出分析范围，结果不完整", "water left the area: the answer goes no further"],
  "met-unknown-ground": ["水到达高程未知处，结果不完整", "water met unknown ground: the answer goes no further"],
  stopped: ["计算量超限而停止", "stopped after too many steps"],
  published: ["已发布的", "published ones"],
  none: ["不计", "none"],
  facades: ["建筑立面", "before the walls of buildings"],
  "true solar": ["真太阳时", "true solar time"],
  level: ["水平面", "a level"],
  "plane through the rim": ["边缘拟合平面", "plane through the rim"],
  building: ["建筑", "building"],
  ground: ["地面", "ground"],
};
