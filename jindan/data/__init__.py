"""Tables, images and text in, numbers out: reading, looking, splitting, preprocessing, what spoils an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import attach

if TYPE_CHECKING:
    from jindan.data.columns import Column, infer_columns
    from jindan.data.contamination import (
        Duplicates,
        duplicate_rows,
        leaking_columns,
        looks_like_time_series,
        repeated_rows,
    )
    from jindan.data.encoding import Imputer, LabelEncoder, OneHotEncoder, transform_from_dict
    from jindan.data.images import Images, read_images
    from jindan.data.images_files import read_idx
    from jindan.data.images_table import holds_images
    from jindan.data.inputs import InputForm
    from jindan.data.look_images import ImagesLook, look_at_images
    from jindan.data.looking import Look, look
    from jindan.data.preprocessing import Preprocessing, Preprocessor, fit_preprocessor
    from jindan.data.scaling import MinMaxScaler, StandardScaler, SumScaler, Whitening
    from jindan.data.splits import Split, k_fold, split_rows, train_test_split
    from jindan.data.tables import Table, read_table, resolve_column
    from jindan.data.targets import ClassTarget, NumberTarget, present_rows, target_from_dict
    from jindan.data.task import Task, infer_task
    from jindan.data.text import Normalization, is_text
    from jindan.data.tokens import Characters, Words, tokenizer_from_dict
    from jindan.data.tokens_subwords import Subwords

_NAMES = {
    "Characters": "tokens",
    "ClassTarget": "targets",
    "Column": "columns",
    "Duplicates": "contamination",
    "Images": "images",
    "ImagesLook": "look_images",
    "Imputer": "encoding",
    "InputForm": "inputs",
    "LabelEncoder": "encoding",
    "Look": "looking",
    "MinMaxScaler": "scaling",
    "Normalization": "text",
    "NumberTarget": "targets",
    "OneHotEncoder": "encoding",
    "Preprocessing": "preprocessing",
    "Preprocessor": "preprocessing",
    "Split": "splits",
    "StandardScaler": "scaling",
    "Subwords": "tokens_subwords",
    "SumScaler": "scaling",
    "Table": "tables",
    "Task": "task",
    "Whitening": "scaling",
    "Words": "tokens",
    "duplicate_rows": "contamination",
    "fit_preprocessor": "preprocessing",
    "holds_images": "images_table",
    "infer_columns": "columns",
    "infer_task": "task",
    "is_text": "text",
    "k_fold": "splits",
    "leaking_columns": "contamination",
    "look": "looking",
    "look_at_images": "look_images",
    "looks_like_time_series": "contamination",
    "present_rows": "targets",
    "read_idx": "images_files",
    "read_images": "images",
    "read_table": "tables",
    "repeated_rows": "contamination",
    "resolve_column": "tables",
    "split_rows": "splits",
    "target_from_dict": "targets",
    "tokenizer_from_dict": "tokens",
    "train_test_split": "splits",
    "transform_from_dict": "encoding",
}

__all__ = [
    "Characters",
    "ClassTarget",
    "Column",
    "Duplicates",
    "Images",
    "ImagesLook",
    "Imputer",
    "InputForm",
    "LabelEncoder",
    "Look",
    "MinMaxScaler",
    "Normalization",
    "NumberTarget",
    "OneHotEncoder",
    "Preprocessing",
    "Preprocessor",
    "Split",
    "StandardScaler",
    "Subwords",
    "SumScaler",
    "Table",
    "Task",
    "Whitening",
    "Words",
    "duplicate_rows",
    "fit_preprocessor",
    "holds_images",
    "infer_columns",
    "infer_task",
    "is_text",
    "k_fold",
    "leaking_columns",
    "look",
    "look_at_images",
    "looks_like_time_series",
    "present_rows",
    "read_idx",
    "read_images",
    "read_table",
    "repeated_rows",
    "resolve_column",
    "split_rows",
    "target_from_dict",
    "tokenizer_from_dict",
    "train_test_split",
    "transform_from_dict",
]

__getattr__, __dir__ = attach(__name__, _NAMES)
