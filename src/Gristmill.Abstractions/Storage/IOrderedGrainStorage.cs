using Orleans.Storage;

namespace Gristmill;

/// <summary>Grain storage that stores the states of two grains with one flush, when the second follows from the first.</summary>
public interface IOrderedGrainStorage : IGrainStorage
{
    /// <summary>
    /// Stores both as grain storage stores one. The second is never stored without the first: after a crash or an
    /// error there are both, the first alone, or neither, and the ETags say which of them is as it was. It may keep the calling thread until
    /// they are on the disk, which is not for a grain's turn.
    /// </summary>
    /// <typeparam name="T">The type of the states.</typeparam>
    /// <param name="stateName">The name of the states.</param>
    /// <param name="first">The grain of the first state.</param>
    /// <param name="firstState">The first state, with the ETag that must be stored.</param>
    /// <param name="second">The grain of the second state; another one.</param>
    /// <param name="secondState">The second state, with the ETag that must be stored.</param>
    /// <exception cref="InconsistentStateException">One of them was changed by another activation.</exception>
    Task WriteStatesAsync<T>(string stateName, GrainId first, IGrainState<T> firstState, GrainId second, IGrainState<T> secondState);
}
