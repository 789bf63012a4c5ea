"""Words for the names of small streets, gardens and squares, with their pinyin."""

from __future__ import annotations

_TEXT = """
安康 Ankang 福安 Fu'an 兴华 Xinghua 文昌 Wenchang 永安 Yong'an 光明 Guangming 建设 Jianshe 育才 Yucai 新安 Xin'an 泰安 Tai'an
广安 Guang'an 民生 Minsheng 振兴 Zhenxing 团结 Tuanjie 胜利 Shengli 友谊 Youyi 幸福 Xingfu 朝阳 Chaoyang 东风 Dongfeng
前进 Qianjin 临沂 Linyi 德州 Dezhou 聊城 Liaocheng 济宁 Jining 滨州 Binzhou 菏泽 Heze 枣庄 Zaozhuang 莱芜 Laiwu 烟台 Yantai
威海 Weihai 潍坊 Weifang 日照 Rizhao 东营 Dongying 淄博 Zibo 苏州 Suzhou 无锡 Wuxi 镇江 Zhenjiang 南通 Nantong 盐城 Yancheng
淮安 Huai'an 嘉兴 Jiaxing 湖州 Huzhou 绍兴 Shaoxing 金华 Jinhua 台州 Taizhou 衢州 Quzhou 芜湖 Wuhu 安庆 Anqing 黄山 Huangshan
滁州 Chuzhou 阜阳 Fuyang 九江 Jiujiang 赣州 Ganzhou 上饶 Shangrao 吉安 Ji'an 宜春 Yichun 莆田 Putian 漳州 Zhangzhou 龙岩 Longyan
云龙 Yunlong 凤凰 Fenghuang 紫荆 Zijing 丁香 Dingxiang 玉兰 Yulan 海棠 Haitang 银杏 Yinxing 翠竹 Cuizhu 青松 Qingsong 芙蓉 Furong
书院 Shuyuan 板桥 Banqiao 钟楼 Zhonglou 古城 Gucheng 南坛 Nantan 北关 Beiguan 东关 Dongguan 西门 Ximen 胶水 Jiaoshui 秧歌 Yangge
"""
_PARTS = _TEXT.split()
STREET_WORDS: tuple[tuple[str, str], ...] = tuple(zip(_PARTS[::2], _PARTS[1::2], strict=True))
STREET_ENDS = {True: ("路", "Road"), False: ("街", "Street")}
"""Ending by direction: roads lead north, streets lead east."""
GARDEN_ENDS = (("公园", "Park"), ("游园", "Garden"), ("广场", "Square"), ("绿地", "Green"))
