using System.Diagnostics;
using System.Text.Json;
using Gristmill.Engines.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;

namespace Gristmill.Bench.Torch;

/// <summary>Training steps in TorchSharp, each of the same sizes as in bench/torch/steps.py.</summary>
internal static class TorchStepBench
{
    /// <summary>The cases: models, optimisers and shapes that both sides have.</summary>
    public static IReadOnlyList<string> Cases { get; } = ["mlp-sgd", "mlp-adamw", "cnn", "transformer"];

    /// <summary>Runs a case in this process and prints one JSON line, as bench/torch/steps.py does.</summary>
    /// <param name="which">One of <see cref="Cases"/>.</param>
    /// <param name="threads">Threads of torch.</param>
    /// <param name="steps">Steps to measure; a tenth more, but at least 3, run first.</param>
    public static int Serve(string which, int threads, int steps)
    {
        // As a stage does: on a thread of the pool, whose malloc arena is another than the main thread's.
        var seen = Task.Run(() => Measure(which, threads, steps)).GetAwaiter().GetResult();
        Console.WriteLine(JsonSerializer.Serialize(seen, TorchSteps.Json));
        return 0;
    }

    private static TorchSteps Measure(string which, int threads, int steps)
    {
        TorchRuntime.SetThreads(threads);
        manual_seed(1);
        using var scope = NewDisposeScope();
        Module<Tensor, Tensor> model = which switch
        {
            "mlp-sgd" or "mlp-adamw" => Sequential(Linear(784, 256), ReLU(), Linear(256, 128), ReLU(), Linear(128, 10)),
            "cnn" => new Cnn(),
            "transformer" => new Encoder(),
            _ => throw new ArgumentException($"There is no case '{which}'; there are {string.Join(", ", Cases)}.", nameof(which)),
        };
        using var optimizer = which == "mlp-sgd" ? (optim.Optimizer)optim.SGD(model.parameters(), 1e-5) : optim.AdamW(model.parameters(), 1e-5);
        var x = which switch { "cnn" => randn(64, 1, 28, 28), "transformer" => randn(64, 16, 256), _ => randn(64, 784) };

        // The encoder is sequence first: 64 steps of 16 rows.
        var y = randint(0, 10, which == "transformer" ? 16 : 64, dtype: ScalarType.Int64);
        for (var i = 0; i < Math.Max(3, steps / 10); i++)
        {
            Step(model, optimizer, x, y);
        }

        var times = new double[steps];
        var loss = 0f;
        var faults = ProcessClock.MinorFaults(Environment.ProcessId);
        var cpu = ProcessClock.CpuSeconds(Environment.ProcessId);
        for (var i = 0; i < steps; i++)
        {
            var start = Stopwatch.GetTimestamp();
            loss = Step(model, optimizer, x, y);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        cpu = ProcessClock.CpuSeconds(Environment.ProcessId) - cpu;
        faults = ProcessClock.MinorFaults(Environment.ProcessId) - faults;
        model.Dispose();
        Array.Sort(times);
        return new TorchSteps(times[steps / 2], 1000 * cpu / steps, (double)faults / steps, loss, TorchRuntime.EnsureLoaded().LibTorchVersion);
    }

    private static float Step(Module<Tensor, Tensor> model, optim.Optimizer optimizer, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        var loss = F.cross_entropy(model.call(x), y);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        return loss.item<float>();
    }

    private sealed class Cnn : Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Conv2d _first = Conv2d(1, 32, 3);
        private readonly TorchSharp.Modules.Conv2d _second = Conv2d(32, 64, 3);
        private readonly TorchSharp.Modules.Linear _hidden = Linear(9216, 128);
        private readonly TorchSharp.Modules.Linear _last = Linear(128, 10);

        public Cnn() : base(nameof(Cnn)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var x = F.max_pool2d(F.relu(_second.call(F.relu(_first.call(input)))), 2);
            return _last.call(F.relu(_hidden.call(x.flatten(1))));
        }
    }

    private sealed class Encoder : Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.TransformerEncoder _layers = TransformerEncoder(TransformerEncoderLayer(256, 4, 1024, 0.0), 4);
        private readonly TorchSharp.Modules.Linear _last = Linear(256, 10);

        public Encoder() : base(nameof(Encoder)) => RegisterComponents();

        public override Tensor forward(Tensor input) => _last.call(_layers.call(input).mean([0L]));
    }
}
