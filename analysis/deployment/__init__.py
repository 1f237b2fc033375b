"""Run -> what others run without this package: ONNX, TorchScript, torch.export, a model card, a bundle to share."""
