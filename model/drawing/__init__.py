"""What is drawn on pixels.

Boxes, labels, bars and heat maps on frames and photos, and the colour that each emotion has everywhere.

Imported by ``dashboard.charts``, ``dashboard.evaluation``, ``dashboard.home``, ``dashboard.live``,
``dashboard.predict``, ``dashboard.video``, ``model.browser``, ``model.pictures`` and ``model.video``.
"""
