"""Following objects: one inference session each, all on the same frame and its features."""

from typing import Any

import torch
from torch import Tensor

from vos_bench.api import Box, Mask

from .preprocessing import box_corners, resize_mask

_BOX = (2, 3)
"""How the networks label the two corners of a box."""


class Tracks:
    """The objects of one sequence.

    A session of transformers may hold several objects; then one that starts changes the memories of the others, because
    all are encoded as if prompted. Here each object has a session of its own. The sessions share the current frame and
    its features, so the image encoder runs once a frame, and each object is what it would be alone.
    """

    def __init__(self, network: Any, session: type[Any], *, keep_all: bool = False) -> None:
        """Begin a sequence.

        Args:
            network: On its device; makes `image_size` x `image_size` pixels into masks.
            session: The class of its sessions.
            keep_all: Keep even what the network no longer reads.
        """
        self._network, self._session, self._keep_all = network, session, keep_all
        self._device = next(network.parameters()).device
        self._sessions: dict[int, Any] = {}
        self._frames: dict[int, Tensor] = {}
        self._cache: Any = None
        self._number = -1

    def see_frame(self, pixels: Tensor) -> None:
        """Take the next frame, 3 x side x side."""
        self._number += 1
        if not self._keep_all:
            self._frames.clear()
        self._frames[self._number] = pixels.to(self._device)

    def start_from_mask(self, object_id: int, mask: Mask) -> None:
        """Follow an object from its mask on the current frame, H x W."""
        session = self._begin(object_id)
        session.add_mask_inputs(0, self._number, resize_mask(mask, self._network.image_size))

    def start_from_box(self, object_id: int, box: Box, size: tuple[int, int]) -> None:
        """Follow an object from its box on the current frame of that height and width."""
        corners = box_corners(box, size, self._network.image_size)
        labels = torch.tensor(_BOX, dtype=torch.int32)[None, None]
        self._begin(object_id).add_point_inputs(0, self._number, {"point_coords": corners, "point_labels": labels})

    def segment(self) -> Tensor:
        """Return the logits of all objects on the current frame, K x h x w, in the order in which they started."""
        return torch.cat([self._segment(session)[:, 0] for session in self._sessions.values()])

    def _begin(self, object_id: int) -> Any:
        session = self._session(
            inference_device=self._device,
            inference_state_device=self._device,
            video_storage_device=self._device,
            dtype=torch.float32,  # the default is a text, which torch refuses
        )
        session.processed_frames = self._frames
        self._cache = session.cache = self._cache or session.cache
        session.obj_id_to_idx(object_id)
        session.obj_with_new_inputs = [object_id]  # a list of its own: the network empties it
        self._sessions[object_id] = session
        return session

    def _segment(self, session: Any) -> Tensor:
        """Run the network. The number is always given: left out, transformers takes how many frames it still holds."""
        found = self._network(inference_session=session, frame=self._frames[self._number], frame_idx=self._number)
        logits: Tensor = found.pred_masks.float()
        if not self._keep_all:
            self._discard(session)
        return logits

    def _discard(self, session: Any) -> None:
        """Let go of what the network will not read again.

        It reads the memories of the last frames and pointers from further back; masks never, once they are answered.
        """
        memories, pointers = self._network.num_maskmem - 1, self._network.config.max_object_pointers_in_encoder - 1
        outputs = session.output_dict_per_obj[0]
        session.mask_inputs_per_obj[0].clear()
        session.frames_tracked_per_obj[0].clear()
        later = outputs["non_cond_frame_outputs"]
        for output in (*outputs["cond_frame_outputs"].values(), *later.values()):
            for name in ("pred_masks", "high_res_masks", "object_score_logits"):
                output.pop(name, None)
        if past := later.get(self._number - memories):
            past.update(maskmem_features=None, maskmem_pos_enc=None)
        later.pop(self._number - max(memories, pointers), None)
