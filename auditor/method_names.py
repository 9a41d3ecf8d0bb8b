"""Methods under the names that their papers gave them."""

from __future__ import annotations

from collections.abc import Mapping

METHODS: Mapping[str, str] = {
    "ablation_cam": "Ablation-CAM",
    "attention_guided_cam": "Attention-guided CAM",
    "cam": "CAM",
    "eigen_cam": "Eigen-CAM",
    "eigen_grad_cam": "Eigen-Grad-CAM",
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "guided_backprop": "Guided backpropagation",
    "guided_grad_cam": "Guided Grad-CAM",
    "hires_cam": "HiRes-CAM",
    "input_x_gradient": "Input × gradient",
    "kernel_shap": "Kernel SHAP",
    "layer_cam": "Layer-CAM",
    "lime": "LIME",
    "lrp": "LRP",
    "multi_scale_cam": "Multi-scale CAM",
    "rise": "RISE",
    "score_cam": "Score-CAM",
    "smooth_grad": "SmoothGrad",
    "smooth_grad_cam_plus_plus": "Smooth Grad-CAM++",
    "xgrad_cam": "XGrad-CAM",
}
"""Name in the spec → name in print; others read well with a capital and spaces."""


def in_print(name: str) -> str:
    """A method, where it looks and what it explains: 'grad_cam@features.3' is 'Grad-CAM at features.3'.

    Args:
        name: As the run calls a set of maps: a method, '@' and a layer, ' for ' and what is explained, if any.
    """
    place, _, explained = name.partition(" for ")
    method, _, layer = place.partition("@")
    printed = METHODS.get(method) or method.replace("_", " ").capitalize()
    return printed + (f" at {layer}" if layer else "") + (f", for {explained}" if explained else "")
