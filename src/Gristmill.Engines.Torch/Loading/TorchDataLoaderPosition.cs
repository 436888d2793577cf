namespace Gristmill.Engines.Torch;

/// <summary>Where a <see cref="TorchDataLoader"/> stands: what a checkpoint keeps.</summary>
/// <param name="Epoch">Number of the epoch, from 0.</param>
/// <param name="Batch">Batches of it that were handed out.</param>
public readonly record struct TorchDataLoaderPosition(int Epoch, int Batch);
