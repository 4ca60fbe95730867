"""x"""
import torch
