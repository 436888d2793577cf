namespace Gristmill;

/// <summary>
/// Runs stage attempts outside the grains: in worker processes, or in this process for an embedded silo.
/// Both sides pass the same tests.
/// </summary>
public interface IStageExecutor
{
    /// <summary>
    /// Whether it runs what requests say, so that the result of one stands for that of an equal one. An executor that puts
    /// something else in the place of stages, as tests do, does not: results are then not taken over.
    /// </summary>
    /// <value>false</value>
    bool IsFaithful => false;

    /// <summary>Runs one attempt to its end.</summary>
    /// <param name="request">The attempt.</param>
    /// <param name="progress">Receives progress, on any thread; may be null.</param>
    /// <param name="cancellationToken">Ends the attempt within one second.</param>
    /// <remarks>The executor keeps the request's limits. Its time limit counts from when the attempt really starts: waiting for a slot is not its fault.</remarks>
    /// <exception cref="GristmillException">The attempt failed; the code says how (stage.failed, worker.crashed, sql.error, ...).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken);

    /// <summary>Says that attempts are about to come, so that what takes time to start may start now. Returns at once.</summary>
    void Prepare()
    {
    }
}
